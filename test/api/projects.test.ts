import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { testContext } from "../support/context.ts";
import { type ApiServer, byName, startApi } from "./api-server.ts";

describe("projects and services at /v1", () => {
  eachEngine((engine) => {
    let server: ApiServer;
    const people: Record<string, object> = { root: { systemAdmin: true }, stranger: {} };
    beforeAll(async () => {
      const { db } = await engine.open();
      server = await startApi(testContext(db), byName(people));
    });
    afterAll(() => server.close());

    it("makes a project, shows it, renames it, and lists it", async () => {
      const made = await server.send("root", "POST", "/v1/projects", { key: "shop" });
      expect(made).toMatchObject({ status: 201, body: { key: "shop", name: "shop" } });
      expect(await server.send("root", "GET", "/v1/projects/shop")).toMatchObject({
        status: 200,
        body: made.body,
      });
      const renamed = await server.send("root", "PATCH", "/v1/projects/shop", { name: "The shop" });
      expect(renamed).toMatchObject({ status: 200, body: { key: "shop", name: "The shop" } });
      expect(await server.send("root", "GET", "/v1/projects")).toMatchObject({
        body: { items: [{ key: "shop", name: "The shop" }], next: null },
      });
    });

    it("answers a second project of the same key with 409", async () => {
      await server.send("root", "POST", "/v1/projects", { key: "twice" });
      const again = await server.send("root", "POST", "/v1/projects", { key: "twice" });
      expect(again).toMatchObject({ status: 409, body: { type: "urn:headgate:error:PROJECT_EXISTS" } });
    });

    it("hands out a list in pages, without gaps and without repeats", async () => {
      for (let number = 0; number < 5; number += 1)
        await server.send("root", "POST", "/v1/projects", { key: `page-${number}` });
      const keys: string[] = [];
      let path = "/v1/projects?limit=2";
      for (;;) {
        const { body } = await server.send("root", "GET", path);
        const page = body as { items: { key: string }[]; next: string | null };
        expect(page.items.length).toBeLessThanOrEqual(2);
        keys.push(...page.items.map((item) => item.key));
        if (page.next === null) break;
        path = `/v1/projects?limit=2&after=${page.next}`;
      }
      expect(new Set(keys).size).toBe(keys.length);
      expect(keys.filter((key) => key.startsWith("page-"))).toEqual([
        "page-4",
        "page-3",
        "page-2",
        "page-1",
        "page-0",
      ]);
    });

    it("keeps a project unknown to those who may not see it, and refuses them to make one", async () => {
      await server.send("root", "POST", "/v1/projects", { key: "secret" });
      const unseen = await server.send("stranger", "GET", "/v1/projects/secret");
      const unknown = await server.send("stranger", "GET", "/v1/projects/no-such");
      expect(unseen.status).toBe(404);
      expect(unseen.body).toMatchObject({ title: (unknown.body as { title: string }).title, status: 404 });
      expect(await server.send("stranger", "POST", "/v1/projects", { key: "mine" })).toMatchObject({
        status: 403,
        body: { type: "urn:headgate:error:FORBIDDEN" },
      });
      expect(await server.send("stranger", "GET", "/v1/projects")).toMatchObject({ body: { items: [] } });
    });

    it("lets a viewer see services and a releaser make them", async () => {
      const { body } = await server.send("root", "POST", "/v1/projects", { key: "roles" });
      const { id } = body as { id: string };
      people["viewer"] = { roles: { [id]: "viewer" } };
      people["releaser"] = { roles: { [id]: "releaser" } };
      const path = "/v1/projects/roles/services";
      expect(await server.send("viewer", "POST", path, { name: "api" })).toMatchObject({ status: 403 });
      expect(await server.send("releaser", "POST", path, { name: "api" })).toMatchObject({ status: 201 });
      expect(await server.send("viewer", "GET", path)).toMatchObject({ body: { items: [{ name: "api" }] } });
      expect(await server.send("stranger", "GET", path)).toMatchObject({ status: 404 });
    });
  });
});
