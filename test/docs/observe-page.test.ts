import Fastify from "fastify";
import { expect, it } from "vitest";
import { createMetrics } from "../../src/http/metrics.ts";
import { proseOf } from "./pages.ts";

const NOTHING = {
  tasks: { counts: [], due: [], unknown: [], oldestDueMillis: 0 },
  unsealedEvents: 0,
};

it("the page about watching names every metric of our own, with its labels, and no other", async () => {
  const metrics = createMetrics();
  metrics.countRequests(Fastify());
  const { body } = await metrics.text(NOTHING);
  const ours = [...body.matchAll(/^# TYPE (headgate_\w+) /gm)]
    .map(([, name = ""]) => name)
    .filter((name) => !/^headgate_(process|nodejs)_/.test(name));
  const named = [
    ...proseOf("docs/operate/observe.md").matchAll(/^\| `(headgate_\w+)(?:\{[\w,]+\})?` \|/gm),
  ].map(([, name = ""]) => name);
  expect(ours.length).toBeGreaterThan(15);
  expect(named.toSorted()).toEqual(ours.toSorted());
});
