import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startSealer } from "../../src/audit/start-sealer.ts";
import { verifyChain } from "../../src/kernel/verify-chain.ts";
import { createClient, ProblemError, UnreachableError } from "../../src/api/client.ts";
import { ExportEvents, ListEvents } from "../../src/api/contract/events.ts";
import { GetProject } from "../../src/api/contract/projects.ts";
import { testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { type ApiServer, byName, startApi } from "./api-server.ts";

describe("events at /v1", () => {
  eachEngine((engine) => {
    let server: ApiServer;
    let sealer: { stop: () => Promise<void> };
    beforeAll(async () => {
      const ctx = testContext((await engine.open()).db);
      server = await startApi(ctx, byName({ root: { systemAdmin: true }, stranger: {} }));
      sealer = await startSealer(ctx);
      await server.send("root", "POST", "/v1/projects", { key: "shop" });
      for (const name of ["api", "web", "worker"])
        await server.send("root", "POST", "/v1/projects/shop/services", { name });
    });
    afterAll(async () => {
      await sealer.stop();
      await server.close();
    });

    const client = () => createClient({ url: server.url, token: "root" });

    it("lists a project's events as a feed, and only some of them", async () => {
      await expect
        .poll(async () => (await client().call(ListEvents, { query: { project: "shop" } })).items.length, {
          timeout: 20_000,
        })
        .toBe(4);
      const first = await client().call(ListEvents, { query: { project: "shop", limit: 3 } });
      expect(first.items.map((event) => event.kind)).toEqual([
        "project.created",
        "service.created",
        "service.created",
      ]);
      expect(first.items[0]).toMatchObject({
        sequence: 1,
        actor: { name: "root" },
        createdAt: expect.any(Date),
      });
      const rest = await client().call(ListEvents, {
        query: { project: "shop", limit: 3, after: first.next ?? "" },
      });
      expect(rest).toMatchObject({ items: [{ sequence: 4, after: { name: "worker" } }], next: null });
      const newest = await client().call(ListEvents, {
        query: { project: "shop", order: "newest", limit: 1 },
      });
      expect(newest.items).toMatchObject([{ sequence: 4 }]);
      const made = await client().call(ListEvents, { query: { project: "shop", kind: "project.created" } });
      expect(made.items).toHaveLength(1);
    });

    it("exports them as lines that prove themselves", async () => {
      const report = await verifyChain(client().lines(ExportEvents, { query: { project: "shop" } }));
      expect(report).toMatchObject({ entries: 4, unsealed: 0, broken: null });
      const raw = await server.send("root", "GET", "/v1/events/export?project=no-such");
      expect(raw.status).toBe(404);
    });

    it("keeps them from those who may not see the project, and the system's from all but its admins", async () => {
      expect((await server.send("stranger", "GET", "/v1/events?project=shop")).status).toBe(404);
      expect((await server.send("stranger", "GET", "/v1/events")).status).toBe(403);
      expect((await server.send("stranger", "GET", "/v1/events/export")).status).toBe(403);
      expect(await server.send("root", "GET", "/v1/events?kind=cake.eaten")).toMatchObject({
        status: 400,
        body: { errors: [{ path: "kind" }] },
      });
    });

    it("tells a client apart what refused and what did not answer", async () => {
      const refused = client().call(GetProject, { params: { project: "no-such" } });
      await expect(refused).rejects.toBeInstanceOf(ProblemError);
      const nobody = createClient({ url: "http://127.0.0.1:1", token: null });
      await expect(nobody.call(GetProject, { params: { project: "x" } })).rejects.toBeInstanceOf(
        UnreachableError,
      );
      const elsewhere = createClient({ url: `${server.url}/somewhere`, token: null });
      await expect(elsewhere.call(GetProject, { params: { project: "x" } })).rejects.toThrow(
        /no answer of Headgate/,
      );
    });
  });
});
