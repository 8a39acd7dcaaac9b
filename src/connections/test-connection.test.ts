import { afterAll, beforeAll, expect, it } from "vitest";
import { asRole, recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { describeWith } from "../../test/support/real-parts.ts";
import { startRegistry, type TestRegistry } from "../../test/support/registries.ts";
import { createProject } from "../projects/create-project.ts";
import { createConnection } from "./create-connection.ts";
import { getConnection } from "./get-connection.ts";
import { openRegistry } from "./open-registry.ts";
import { testConnection } from "./test-connection.ts";

const draft = { name: "main", plainHttp: true, allowPrivate: true };

describeWith(["docker-registry"], "testing a connection to a real registry", () => {
  let guarded: TestRegistry;
  let tokened: TestRegistry;
  beforeAll(async () => {
    [guarded, tokened] = await Promise.all([
      startRegistry({ auth: "htpasswd" }),
      startRegistry({ auth: "token" }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([guarded.stop(), tokened.stop()]);
  });

  eachEngine((engine) => {
    async function begin() {
      const { db } = await engine.open();
      return { db, ctx: testContext(db) };
    }
    const credentials = (registry: TestRegistry) => ({
      username: registry.username ?? "",
      password: registry.password ?? "",
    });

    it("signs in with the stored password and records what came back", async () => {
      const { db, ctx } = await begin();
      const made = await createConnection(ctx, { ...draft, host: guarded.host, ...credentials(guarded) });
      const { check } = await testConnection(ctx, { connection: "main" });
      expect(check).toMatchObject({ reachable: true, authenticated: true, tokenHost: null });
      const event = (await recordedEvents(db)).at(-1);
      expect(JSON.parse(event?.json ?? "")).toMatchObject({
        kind: "connection.tested",
        subjectId: made.id,
        after: { authenticated: true },
      });
      expect(event?.json).not.toContain(guarded.password);
    });

    it("says so when the registry refuses the password, or nobody is there", async () => {
      const { ctx } = await begin();
      const wrong = { username: "robot", password: "wrong" };
      await createConnection(ctx, { ...draft, host: guarded.host, ...wrong });
      await createConnection(ctx, { ...draft, name: "nobody", host: "127.0.0.1:9" });
      expect((await testConnection(ctx, { connection: "main" })).check).toMatchObject({
        reachable: true,
        authenticated: false,
      });
      expect((await testConnection(ctx, { connection: "nobody" })).check).toMatchObject({
        reachable: false,
        authenticated: false,
      });
    });

    it("gives the credentials to another token host only once an admin confirmed it", async () => {
      const { ctx } = await begin();
      await createConnection(ctx, { ...draft, host: tokened.host, ...credentials(tokened) });
      const requests = () =>
        tokened.tokens?.requests.filter((request) => request.username !== null).length ?? -1;
      const before = requests();
      const first = await testConnection(ctx, { connection: "main" });
      expect(first.check).toMatchObject({ authenticated: false, tokenHost: tokened.tokens?.host });
      expect(first.connection.tokenHosts).toEqual([]);
      expect(requests()).toBe(before);
      const second = await testConnection(ctx, { connection: "main", confirmTokenHost: true });
      expect(second.check).toMatchObject({ reachable: true, authenticated: true });
      expect(second.connection.tokenHosts).toEqual([tokened.tokens?.host]);
      expect(await getConnection(ctx, "main")).toEqual(second.connection);
      expect((await testConnection(ctx, { connection: "main" })).check.authenticated).toBe(true);
    });

    it("is for system admins alone, and for connections there are", async () => {
      const { ctx } = await begin();
      const shop = await createProject(ctx, { key: "shop", name: "Shop" });
      await createConnection(ctx, { ...draft, host: guarded.host, allProjects: true });
      const asked = testConnection(asRole(ctx, shop.id, "admin"), { connection: "main" });
      await expect(asked).rejects.toMatchObject({ code: "FORBIDDEN" });
      const unknown = { code: "CONNECTION_NOT_FOUND" };
      await expect(testConnection(ctx, { connection: "other" })).rejects.toMatchObject(unknown);
    });

    it("opens the registry with the connection's own settings", async () => {
      const { ctx } = await begin();
      const made = await createConnection(ctx, { ...draft, host: guarded.host, ...credentials(guarded) });
      expect((await openRegistry(ctx, made)).settings).toEqual({
        name: "main",
        host: guarded.host,
        plainHttp: true,
        allowPrivate: true,
        caPem: null,
        credentials: credentials(guarded),
        tokenHosts: [],
      });
      const anonymous = await createConnection(ctx, { ...draft, name: "open", host: guarded.host });
      expect((await openRegistry(ctx, anonymous)).settings.credentials).toBeNull();
    });
  });
});
