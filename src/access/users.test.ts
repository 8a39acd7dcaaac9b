import { expect, it } from "vitest";
import { as, asRole, recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { createProject } from "../projects/create-project.ts";
import { changeUser } from "./change-user.ts";
import { createUser } from "./create-user.ts";
import { getUser } from "./get-user.ts";
import { grantRole } from "./grant-role.ts";
import { listRoles } from "./list-roles.ts";
import { listUsers } from "./list-users.ts";
import { renewInternalToken } from "./renew-internal-token.ts";
import { revokeRole } from "./revoke-role.ts";

const PASSWORD = "correct horse battery";
const forbidden = { code: "FORBIDDEN" };
const page = { after: null, limit: 50 };

eachEngine((engine) => {
  async function begin() {
    const { db } = await engine.open();
    const ctx = testContext(db);
    const shop = await createProject(ctx, { key: "shop", name: "Shop" });
    const bank = await createProject(ctx, { key: "bank", name: "Bank" });
    const ada = await createUser(ctx, { name: "ada", password: PASSWORD });
    return { db, ctx, shop, bank, ada };
  }

  it("are managed by system admins alone", async () => {
    const { ctx, shop } = await begin();
    const admin = asRole(ctx, shop.id, "admin");
    await expect(createUser(admin, { name: "eve" })).rejects.toMatchObject(forbidden);
    await expect(changeUser(admin, { user: "ada", change: { systemAdmin: true } })).rejects.toMatchObject(
      forbidden,
    );
    await expect(listUsers(admin, page)).rejects.toMatchObject(forbidden);
    await expect(getUser(admin, "ada")).rejects.toMatchObject(forbidden);
  });

  it("have names of their own, and passwords worth the name", async () => {
    const { ctx } = await begin();
    await expect(createUser(ctx, { name: "ada" })).rejects.toMatchObject({ code: "USER_EXISTS" });
    await createUser(ctx, { name: "Grace Hopper" });
    await createUser(ctx, { name: "李雷" });
    await createUser(ctx, { name: "ada@example.com" });
    const names = [
      "",
      " ada",
      "a\u0000b",
      "a/b",
      "System",
      "headgate",
      "0".repeat(24),
      "x".repeat(129),
      "a\nb",
    ];
    for (const name of names)
      await expect(createUser(ctx, { name })).rejects.toMatchObject({ code: "INPUT_INVALID" });
    for (const password of ["", "short", "x".repeat(257)])
      await expect(createUser(ctx, { name: "eve", password })).rejects.toMatchObject({
        code: "INPUT_INVALID",
      });
  });

  it("come to be once when two of a name are asked for at once", async () => {
    const { ctx } = await begin();
    const ends = await Promise.allSettled([
      createUser(ctx, { name: "eve" }),
      createUser(ctx, { name: "eve" }),
    ]);
    expect(ends.map((end) => end.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(ends.find((end) => end.status === "rejected")?.reason).toMatchObject({ code: "USER_EXISTS" });
  });

  it("change only in what was said, with an event that holds no password", async () => {
    const { db, ctx, ada } = await begin();
    await changeUser(ctx, { user: "ada", change: { systemAdmin: true } });
    await changeUser(ctx, { user: ada.id, change: { password: "another horse altogether" } });
    expect(await getUser(ctx, "ada")).toEqual({ ...ada, systemAdmin: true });
    const event = (await recordedEvents(db)).at(-1);
    expect(JSON.parse(event?.json ?? "")).toMatchObject({
      kind: "user.changed",
      after: { passwordChanged: true },
    });
    const { password_hash: hash } = await db
      .selectFrom("users")
      .select("password_hash")
      .where("id", "=", ada.id)
      .executeTakeFirstOrThrow();
    for (const { json } of await recordedEvents(db)) {
      expect(json).not.toContain("another horse");
      expect(json).not.toContain(PASSWORD);
      expect(json).not.toContain(hash);
      expect(json).not.toContain("argon2");
    }
  });

  it("always include a system admin who can sign in, once there was one", async () => {
    const { ctx, ada } = await begin();
    await changeUser(ctx, { user: "ada", change: { systemAdmin: true } });
    for (const change of [{ disabled: true }, { systemAdmin: false }, { password: null }])
      await expect(changeUser(ctx, { user: "ada", change })).rejects.toMatchObject({
        code: "USER_LAST_ADMIN",
      });
    expect(await getUser(ctx, "ada")).toEqual({ ...ada, systemAdmin: true });
    await createUser(ctx, { name: "root", systemAdmin: true, password: PASSWORD });
    await changeUser(ctx, { user: "ada", change: { disabled: true } });
  });

  it("do not include the program's own among those that can be changed or granted roles", async () => {
    const { ctx } = await begin();
    await renewInternalToken(ctx);
    const own = { code: "INPUT_INVALID", message: "The user headgate is the program's own" };
    await expect(changeUser(ctx, { user: "headgate", change: { password: PASSWORD } })).rejects.toMatchObject(
      own,
    );
    const grant = grantRole(ctx, { projectKey: "shop", user: "headgate", role: "viewer" });
    await expect(grant).rejects.toMatchObject(own);
  });

  it("hold roles that a project's admin grants in that project only", async () => {
    const { db, ctx, shop, bank, ada } = await begin();
    const admin = asRole(ctx, shop.id, "admin");
    await grantRole(admin, { projectKey: "shop", user: "ada", role: "viewer" });
    await grantRole(admin, { projectKey: "shop", user: ada.id, role: "releaser" });
    await grantRole(admin, { projectKey: "shop", user: "ada", role: "releaser" });
    expect(await listRoles(admin, "shop")).toEqual([{ userId: ada.id, userName: "ada", role: "releaser" }]);
    const events = (await recordedEvents(db)).filter((event) => event.kind === "role.granted");
    expect(events).toHaveLength(2);
    expect(JSON.parse(events[1]?.json ?? "")).toMatchObject({
      projectId: shop.id,
      before: { role: "viewer" },
      after: { role: "releaser" },
    });
    const unknown = { code: "PROJECT_NOT_FOUND" };
    const elsewhere = { projectKey: "bank", user: "ada", role: "viewer" as const };
    await expect(grantRole(admin, elsewhere)).rejects.toMatchObject(unknown);
    await expect(revokeRole(admin, elsewhere)).rejects.toMatchObject(unknown);
    await expect(listRoles(admin, "bank")).rejects.toMatchObject(unknown);
    const visitor = as(ctx, { roles: { [shop.id]: "admin", [bank.id]: "approver" } });
    await expect(grantRole(visitor, elsewhere)).rejects.toMatchObject(forbidden);
    await expect(revokeRole(visitor, elsewhere)).rejects.toMatchObject(forbidden);
  });

  it("lose a role once, with an event; a second time nothing happens", async () => {
    const { db, ctx } = await begin();
    const place = { projectKey: "shop", user: "ada" };
    await grantRole(ctx, { ...place, role: "viewer" });
    await revokeRole(ctx, place);
    await revokeRole(ctx, place);
    expect(await listRoles(ctx, "shop")).toEqual([]);
    const kinds = (await recordedEvents(db)).map((event) => event.kind);
    expect(kinds.filter((kind) => kind === "role.revoked")).toHaveLength(1);
  });

  it("are unknown to role grants by a name nobody has", async () => {
    const { ctx } = await begin();
    const grant = grantRole(ctx, { projectKey: "shop", user: "eve", role: "viewer" });
    await expect(grant).rejects.toMatchObject({ code: "USER_NOT_FOUND" });
  });
});
