import { Writable } from "node:stream";
import { pino } from "pino";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Database } from "../../src/storage/database.ts";
import { recordedEvents, testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { type Answer, type ApiServer, byName, startApi } from "./api-server.ts";

const PLAN = "/v1/configuration/plan";
const APPLY = "/v1/configuration/apply";
const SECRETS = ["hush hush", "correct horse battery"];

const whole = (key: string) => ({
  projects: [{ key, services: ["api"] }],
  connections: [{ name: key, host: "a.example", username: "robot", password: SECRETS[0], projects: [key] }],
  users: [{ name: key, password: SECRETS[1], roles: { [key]: "releaser" } }],
});
const fingerprintIn = (plan: Answer): string => (plan.body as { fingerprint: string }).fingerprint;

describe("a configuration at /v1", () => {
  eachEngine((engine) => {
    let db: Database;
    let server: ApiServer;
    let log = "";
    const people: Record<string, object> = { root: { systemAdmin: true }, stranger: {} };
    beforeAll(async () => {
      ({ db } = await engine.open());
      const sink = new Writable({
        write: (chunk, _encoding, done) => {
          log += String(chunk);
          done();
        },
      });
      server = await startApi(testContext(db, { log: pino({ level: "trace" }, sink) }), byName(people));
    });
    afterAll(() => server.close());
    const send = (path: string, body: unknown, who = "root") => server.send(who, "POST", path, body);

    it("is planned, applied, and then has nothing to do; its secrets show nowhere", async () => {
      const plan = await send(PLAN, whole("shop"));
      expect(plan).toMatchObject({
        status: 200,
        body: {
          changes: [
            { action: "create", kind: "project", name: "shop", field: null },
            {},
            {},
            {},
            {},
            {},
            {},
            {},
            {},
            {},
          ],
        },
      });
      const body = { ...whole("shop"), fingerprint: fingerprintIn(plan) };
      const applied = await send(APPLY, body);
      expect(applied).toMatchObject({ status: 200, body: plan.body as object });
      const again = await send(PLAN, whole("shop"));
      expect(again).toMatchObject({ status: 200, body: { changes: [] } });
      const late = await send(APPLY, body);
      expect(late).toMatchObject({ status: 409, body: { type: "urn:headgate:error:CONFIGURATION_CHANGED" } });
      const refused = await send(PLAN, {
        connections: [{ name: "shop", host: "b.example", ca: SECRETS[0] }],
      });
      expect(refused.status).toBe(400);
      const seen = JSON.stringify([plan, applied, again, late, refused, await recordedEvents(db), log]);
      for (const secret of SECRETS) expect(seen).not.toContain(secret);
      expect(seen).not.toMatch(/hgk1_|argon2/);
    });

    it("names the path of what it does not know or cannot take, and changes nothing", async () => {
      const bad: [unknown, string][] = [
        [{ project: [] }, "project"],
        [{ projects: [{ key: "a", nmae: "A" }] }, "projects.0.nmae"],
        [{ connections: [{ name: "a", host: "a.example", passwort: "x" }] }, "connections.0.passwort"],
        [{ connections: [{ name: "a", host: "http://a.example" }] }, "connections.0.host"],
        [{ connections: [{ name: "a", projects: "every" }] }, "connections.0.projects"],
        [{ connections: [{ name: "a", password: { fromEnv: "A" } }] }, "connections.0.password"],
        [{ users: [{ name: "a", roles: { shop: "owner" } }] }, "users.0.roles.shop"],
        [{ users: [{ name: "a", roles: { Shop: "admin" } }] }, "users.0.roles.Shop"],
        [{ users: "all" }, "users"],
      ];
      for (const [body, path] of bad) {
        const answer = await send(PLAN, body);
        expect(answer).toMatchObject({ status: 400, body: { errors: [{ path }] } });
      }
      const fingerprint = "0".repeat(63);
      expect(await send(APPLY, { ...whole("b"), fingerprint })).toMatchObject({
        body: { errors: [{ path: "fingerprint" }] },
      });
      expect(await send(APPLY, whole("b"))).toMatchObject({ body: { errors: [{ path: "fingerprint" }] } });
      expect((await server.send("root", "GET", "/v1/projects/b")).status).toBe(404);
    });

    it("is refused to those who are no system admins, and to nobody at all", async () => {
      people["admin"] = { roles: { any: "admin" } };
      for (const who of ["stranger", "admin"]) {
        expect(await send(PLAN, {}, who)).toMatchObject({ status: 403 });
        expect(await send(APPLY, { fingerprint: "0".repeat(64) }, who)).toMatchObject({ status: 403 });
      }
      expect((await server.send(null, "POST", PLAN, {})).status).toBe(401);
    });
  });
});
