import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Context } from "../../src/context.ts";
import { createConnection } from "../../src/connections/create-connection.ts";
import { createProject } from "../../src/projects/create-project.ts";
import { testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { type ApiServer, byName, startApi } from "./api-server.ts";

interface Made {
  readonly id: string;
  readonly version: string;
  readonly distribution: { readonly id: string };
}

const RELEASES = "/v1/projects/shop/releases";
const image = { containerName: "api", sourceImage: "build.example/shop/api:1" };

describe("releases at /v1", () => {
  eachEngine((engine) => {
    let server: ApiServer;
    let ctx: Context;
    const people: Record<string, object> = { root: { systemAdmin: true }, stranger: {} };
    beforeAll(async () => {
      ctx = testContext((await engine.open()).db);
      server = await startApi(ctx, byName(people));
      const { id } = await createProject(ctx, { key: "shop", name: "Shop" });
      await createProject(ctx, { key: "other", name: "Other" });
      for (const role of ["viewer", "releaser", "admin"]) people[role] = { roles: { [id]: role } };
      const shared = { host: "registry.example", namespace: "live", allProjects: true };
      await createConnection(ctx, { name: "prod", ...shared });
      await createConnection(ctx, { name: "build", host: "build.example", allProjects: true });
    });
    afterAll(() => server.close());

    const make = async (body: object, who = "releaser", headers = {}) =>
      await server.send(who, "POST", RELEASES, { targetConnection: "prod", ...body }, headers);

    it("makes a release and shows it by version and by id, with its distribution", async () => {
      const made = await make({
        version: "1.0 β",
        labels: ["first"],
        services: [{ name: "api", images: [image] }],
      });
      expect(made).toMatchObject({
        status: 201,
        body: {
          version: "1.0 β",
          project: "shop",
          createdBy: "releaser",
          distribution: { status: "creating", totalItems: 1, verifiedItems: 0 },
          items: [{ status: "waiting", pinnedDigest: null, targetImage: "registry.example/live/api:1" }],
        },
      });
      const { id, distribution } = made.body as Made;
      const path = `${RELEASES}/${encodeURIComponent("1.0 β")}`;
      expect((await server.send("viewer", "GET", path)).body).toEqual(made.body);
      expect((await server.send("viewer", "GET", `/v1/releases/${id}`)).body).toEqual(made.body);
      const all = await server.send("viewer", "GET", `/v1/releases/${id}/distributions`);
      expect(all).toMatchObject({
        body: { items: [{ id: distribution.id, releaseId: id, items: [{}] }], next: null },
      });
      const one = await server.send("viewer", "GET", `/v1/releases/${id}/distributions/${distribution.id}`);
      expect(one).toMatchObject({ status: 200, body: { version: "1.0 β", status: "creating" } });
      expect((await server.send("viewer", "GET", `/v1/releases/${id}/distributions/${id}`)).status).toBe(404);
    });

    it("takes a version of 128 characters of any script in an address", async () => {
      const version = "版".repeat(128);
      expect((await make({ version })).status).toBe(201);
      const found = await server.send("viewer", "GET", `${RELEASES}/${encodeURIComponent(version)}`);
      expect(found).toMatchObject({ status: 200, body: { version } });
    });

    it("lists by cursor, newest first, by status and by label", async () => {
      for (let number = 0; number < 5; number += 1)
        await make({ version: `list-${number}`, labels: ["listed"] });
      const list = async (query: string) =>
        (await server.send("viewer", "GET", `${RELEASES}?${query}`)).body as {
          items: Made[];
          next: string | null;
        };
      const first = await list("label=listed&limit=3");
      expect(first.items.map((item) => item.version)).toEqual(["list-4", "list-3", "list-2"]);
      const rest = await list(`label=listed&limit=3&after=${first.next}`);
      expect(rest).toMatchObject({ items: [{ version: "list-1" }, { version: "list-0" }], next: null });
      expect((await list("status=creating&label=listed")).items).toHaveLength(5);
      expect((await list("status=cancelled")).items).toEqual([]);
      const labels = await server.send("viewer", "GET", "/v1/projects/shop/release-labels");
      expect(labels).toMatchObject({ body: { items: expect.arrayContaining(["listed"]) } });
      expect(await server.send("viewer", "GET", `${RELEASES}?status=done`)).toMatchObject({
        status: 400,
        body: { errors: [{ path: "status" }] },
      });
    });

    it("lets viewers look, releasers make and admins delete; to others it is unknown", async () => {
      expect((await make({ version: "roles" }, "viewer")).status).toBe(403);
      const { body } = await make({ version: "roles" });
      const path = `/v1/releases/${(body as Made).id}`;
      const unknown = "/v1/releases/0123456789abcdef01234567";
      for (const [method, at] of [
        ["GET", ""],
        ["DELETE", ""],
        ["POST", "/retry"],
        ["GET", "/distributions"],
      ] as const) {
        const unseen = await server.send("stranger", method, path + at);
        const missing = await server.send("stranger", method, unknown + at);
        expect([method, at, unseen.status, missing.status]).toEqual([method, at, 404, 404]);
      }
      expect((await server.send("stranger", "GET", RELEASES)).status).toBe(404);
      expect((await server.send("releaser", "DELETE", path)).status).toBe(403);
      expect((await server.send("admin", "DELETE", path)).status).toBe(204);
      expect((await server.send("admin", "GET", path)).status).toBe(404);
    });

    it("retries only what has failed", async () => {
      const { body } = await make({ version: "retry", services: [{ name: "api", images: [image] }] });
      const retried = await server.send("releaser", "POST", `/v1/releases/${(body as Made).id}/retry`);
      expect(retried).toMatchObject({
        status: 409,
        body: { type: "urn:headgate:error:DISTRIBUTION_NOT_FAILED" },
      });
    });

    it.each([
      ["a version that is empty", { version: "" }, "version"],
      ["a version of 129 characters", { version: "x".repeat(129) }, "version"],
      ["a version with a path trick", { version: "../1" }, "version"],
      ["an unknown source", { version: "b", source: "thin air" }, "source"],
      ["a number for a text", { version: "b", description: 7 }, "description"],
      ["a label that is no text", { version: "b", labels: ["a", {}] }, "labels.1"],
      [
        "a service's name that leads elsewhere",
        { version: "b", services: [{ name: "../x" }] },
        "services.0.name",
      ],
      [
        "a field of an image that nobody knows",
        { version: "b", services: [{ name: "a", images: [{ ...image, tag: "1" }] }] },
        "services.0.images.0.tag",
      ],
      [
        "a flag that is a text",
        { version: "b", services: [{ name: "a", images: [{ ...image, push: "no" }] }] },
        "services.0.images.0.push",
      ],
    ])("names the field of %s, and writes nothing", async (_, body, path) => {
      const refused = await make(body);
      expect(refused).toMatchObject({ status: 400, body: { errors: [{ path }] } });
      expect((await server.send("viewer", "GET", `${RELEASES}/b`)).status).toBe(404);
    });

    it("refuses a target that it does not know or may not see, with the same words, and an image of nowhere", async () => {
      await createConnection(ctx, { name: "private", host: "private.example" });
      for (const targetConnection of ["no-such", "private"])
        expect(await make({ version: "c", targetConnection })).toMatchObject({
          status: 404,
          body: {
            type: "urn:headgate:error:CONNECTION_NOT_FOUND",
            detail: `can not find target registry ${targetConnection}`,
          },
        });
      const foreign = { ...image, sourceImage: "private.example/api:1" };
      expect((await make({ version: "c", services: [{ name: "api", images: [foreign] }] })).status).toBe(400);
    });

    it("makes exactly one of two identical releases that come at once", async () => {
      const answers = await Promise.all(Array.from({ length: 4 }, () => make({ version: "twice" })));
      const statuses = answers.map((answer) => answer.status);
      expect(statuses.toSorted((one, other) => one - other)).toEqual([201, 409, 409, 409]);
    });

    it("answers a repeated Idempotency-Key with the same release, also when they come at once", async () => {
      const headers = { "idempotency-key": "release-1" };
      const answers = await Promise.all(
        Array.from({ length: 4 }, () => make({ version: "keyed" }, "releaser", headers)),
      );
      expect(new Set(answers.map((answer) => answer.status)).isSubsetOf(new Set([201, 409]))).toBe(true);
      const again = await make({ version: "keyed" }, "releaser", headers);
      const ids = answers.filter((answer) => answer.status === 201).map((answer) => (answer.body as Made).id);
      expect(again).toMatchObject({ status: 201, body: { id: ids[0] } });
      expect(again.headers.get("idempotency-replayed")).toBe("true");
      const long = await make({ version: "keyed-2" }, "releaser", { "idempotency-key": "x".repeat(256) });
      expect(long).toMatchObject({ status: 400, body: { errors: [{ path: "idempotency-key" }] } });
    });
  });
});
