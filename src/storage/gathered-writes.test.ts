import { Duplex } from "node:stream";
import { setImmediate as turn } from "node:timers/promises";
import { expect, it } from "vitest";
import { gatherWrites } from "./gathered-writes.ts";

/** A stream, and what went out with each write to the system. */
const recorded = () => {
  const sent: string[][] = [];
  const stream = new Duplex({
    read: () => undefined,
    writev: (chunks, done) => {
      sent.push(chunks.map(({ chunk }) => String(chunk)));
      done();
    },
  });
  gatherWrites(stream);
  return { stream, sent };
};

it("sends what is written in one turn together, in its order, and what comes later by itself", async () => {
  const { stream, sent } = recorded();
  stream.write("a");
  await Promise.resolve();
  stream.write("b");
  expect(sent).toEqual([]);
  await turn();
  expect(sent).toEqual([["a", "b"]]);
  stream.write("c");
  await turn();
  expect(sent).toEqual([["a", "b"], ["c"]]);
});

it("lets others hold the stream too, and calls back each write", async () => {
  const { stream, sent } = recorded();
  stream.cork();
  const written = new Promise((resolve) => void stream.write("a", resolve));
  stream.write("b");
  stream.uncork();
  stream.write("c");
  expect(await written).toBeNull();
  expect(sent).toEqual([["a", "b", "c"]]);
});
