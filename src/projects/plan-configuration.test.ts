import { expect, it } from "vitest";
import { recordedEvents, testContext } from "../../test/support/context.ts";
import { makeCertificate } from "../../test/support/certificates.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { listRoles } from "../access/list-roles.ts";
import { createUser } from "../access/create-user.ts";
import { getUser } from "../access/get-user.ts";
import { signIn } from "../access/sign-in.ts";
import { createConnection } from "../connections/create-connection.ts";
import { findSecret } from "../connections/connection-store.ts";
import { getConnection } from "../connections/get-connection.ts";
import type { Context } from "../context.ts";
import { applyConfiguration } from "./apply-configuration.ts";
import type { Configuration } from "./configuration.ts";
import { listProjects } from "./list-projects.ts";
import { listServices } from "./list-services.ts";
import { planConfiguration } from "./plan-configuration.ts";

const page = { after: null, limit: 50 };
const REGISTRY_PASSWORD = "hush hush, registry";
const ANA_PASSWORD = "correct horse battery";

const WHOLE: Configuration = {
  projects: [{ key: "shop", name: "The shop", services: ["api", "web"] }, { key: "depot" }],
  connections: [
    {
      name: "prod",
      host: "registry.example.com",
      namespace: "team",
      provider: "harbor",
      region: "eu",
      default: true,
      plainHttp: false,
      allowPrivate: true,
      ca: makeCertificate("registry.example.com").certificatePem,
      username: "robot",
      password: REGISTRY_PASSWORD,
      projects: ["shop"],
    },
    { name: "build", host: "build.example.com", projects: "all" },
  ],
  users: [
    { name: "ana", password: ANA_PASSWORD, roles: { shop: "releaser", depot: "viewer" } },
    { name: "root", systemAdmin: true, password: "a root password" },
    { name: "robot", disabled: true },
  ],
};

const apply = async (ctx: Context, configuration: Configuration) => {
  const { fingerprint } = await planConfiguration(ctx, configuration);
  return applyConfiguration(ctx, { configuration, fingerprint });
};

/** The changes in short: `+ project shop`, `~ connection prod host: a → b`. */
const planned = async (ctx: Context, configuration: Configuration): Promise<string[]> =>
  (await planConfiguration(ctx, configuration)).changes.map(
    ({ action, kind, name, field, before, after }) =>
      `${action === "create" ? "+" : "~"} ${kind} ${name}` +
      (field === null ? "" : ` ${field}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`),
  );

eachEngine((engine) => {
  async function begin() {
    const { db } = await engine.open();
    return { db, ctx: testContext(db) };
  }

  it("makes everything that a configuration names, with an event for each and one for the whole", async () => {
    const { db, ctx } = await begin();
    await apply(ctx, WHOLE);
    expect((await listProjects(ctx, page)).items.map(({ key, name }) => [key, name])).toEqual([
      ["depot", "depot"],
      ["shop", "The shop"],
    ]);
    const services = await listServices(ctx, { projectKey: "shop", page });
    expect(services.items.map(({ name }) => name).toSorted()).toEqual(["api", "web"]);
    const prod = await getConnection(ctx, "prod");
    const { password, ca, default: isDefault, projects, ...terms } = WHOLE.connections?.[0] ?? { name: "" };
    expect(prod).toMatchObject({ ...terms, caPem: ca, isDefault, projects: [{ key: "shop" }] });
    expect(projects).toEqual(["shop"]);
    const { sealedPassword } = await findSecret(db, prod.id);
    expect(ctx.secrets.open(sealedPassword ?? "", prod.id)).toBe(password);
    expect(await getConnection(ctx, "build")).toMatchObject({ allProjects: true, username: null });
    expect((await listRoles(ctx, "shop")).map(({ userName, role }) => [userName, role])).toEqual([
      ["ana", "releaser"],
    ]);
    expect(await getUser(ctx, "root")).toMatchObject({ systemAdmin: true, disabled: false });
    expect(await getUser(ctx, "robot")).toMatchObject({ disabled: true, hasPassword: false });
    await signIn(ctx, { name: "ana", password: ANA_PASSWORD, client: "test" });
    const kinds = (await recordedEvents(db)).map(({ kind }) => kind);
    expect(kinds.slice(0, -2)).toEqual([
      "project.created",
      "service.created",
      "service.created",
      "project.created",
      "connection.created",
      "connection.created",
      "user.created",
      "user.created",
      "role.granted",
      "role.granted",
      "user.created",
      "user.changed",
      "configuration.applied",
    ]);
  });

  it("has nothing to do the second time, and records nothing then", async () => {
    const { db, ctx } = await begin();
    await apply(ctx, WHOLE);
    const before = await recordedEvents(db);
    expect(await planned(ctx, WHOLE)).toEqual([]);
    expect((await apply(ctx, WHOLE)).changes).toEqual([]);
    expect(await recordedEvents(db)).toEqual(before);
  });

  it("changes nothing while it plans", async () => {
    const { db, ctx } = await begin();
    const { changes } = await planConfiguration(ctx, WHOLE);
    expect(changes.length).toBeGreaterThan(10);
    expect(await recordedEvents(db)).toEqual([]);
    expect((await listProjects(ctx, page)).items).toEqual([]);
  });

  it("changes single fields, and leaves alone what the configuration does not say", async () => {
    const { ctx } = await begin();
    await apply(ctx, WHOLE);
    const single: [Configuration, string[]][] = [
      [{ projects: [{ key: "shop" }] }, []],
      [
        { projects: [{ key: "shop", name: "Shop", services: ["cart", "web", "cart"] }] },
        ['~ project shop name: "The shop" → "Shop"', "+ service shop/cart"],
      ],
      [{ projects: [{ key: "shop", withReferrers: true }] }, ["~ project shop withReferrers: false → true"]],
      [{ projects: [{ key: "shop", name: "Shop", withReferrers: true }] }, []],
      [
        { connections: [{ name: "prod", namespace: "other" }] },
        ['~ connection prod namespace: "team" → "other"'],
      ],
      [
        { connections: [{ name: "prod", projects: "all" }] },
        ['~ connection prod projects: ["shop"] → "all"'],
      ],
      [
        { connections: [{ name: "prod", projects: ["shop", "depot"] }] },
        ['~ connection prod projects: "all" → ["depot","shop"]'],
      ],
      [{ connections: [{ name: "prod", projects: ["shop", "depot", "shop"] }] }, []],
      [
        { connections: [{ name: "prod", password: "another one" }] },
        ['~ connection prod password: "***" → "***"'],
      ],
      [
        { connections: [{ name: "prod", host: "new.example.com", password: "another one" }] },
        ['~ connection prod host: "registry.example.com" → "new.example.com"'],
      ],
      [
        { connections: [{ name: "prod", username: null }] },
        ['~ connection prod username: "robot" → null', '~ connection prod password: "***" → null'],
      ],
      [{ users: [{ name: "ana", roles: { shop: "releaser" } }] }, []],
      [
        { users: [{ name: "ana", roles: { shop: "admin" } }] },
        ['~ user ana roles.shop: "releaser" → "admin"'],
      ],
      [{ users: [{ name: "ana", password: "another long one" }] }, ['~ user ana password: "***" → "***"']],
      [{ users: [{ name: "ana", password: null }] }, ['~ user ana password: "***" → null']],
      [{ users: [{ name: "ana", password: null }] }, []],
      [{ users: [{ name: "robot", disabled: false }] }, ["~ user robot disabled: true → false"]],
    ];
    for (const [configuration, expected] of single) {
      expect(await planned(ctx, configuration)).toEqual(expected);
      await apply(ctx, configuration);
      expect(await planned(ctx, configuration)).toEqual([]);
    }
    expect(await getConnection(ctx, "prod")).toMatchObject({
      host: "new.example.com",
      provider: "harbor",
      isDefault: true,
      hasPassword: false,
    });
    const roles = (await listRoles(ctx, "depot")).map(({ userName, role }) => [userName, role]);
    expect(roles).toEqual([["ana", "viewer"]]);
    expect(await getUser(ctx, "root")).toMatchObject({ systemAdmin: true, hasPassword: true });
  });

  it("records a changed password as changed, and one that was only repeated as not", async () => {
    const { db, ctx } = await begin();
    await apply(ctx, WHOLE);
    const [user] = WHOLE.users ?? [];
    const [connection] = WHOLE.connections ?? [];
    if (!user || !connection) throw new Error("both are there");
    await apply(ctx, {
      connections: [{ ...connection, region: "us" }],
      users: [{ ...user, disabled: true }],
    });
    const last = (await recordedEvents(db)).slice(-3);
    expect(last.map(({ kind }) => kind)).toEqual([
      "connection.changed",
      "user.changed",
      "configuration.applied",
    ]);
    expect(JSON.parse(last[0]?.json ?? "")).toMatchObject({
      after: { region: "us", passwordChanged: false },
    });
    expect(JSON.parse(last[1]?.json ?? "")).toMatchObject({
      after: { disabled: true, passwordChanged: false },
    });
    expect(JSON.parse(last[2]?.json ?? "")).toMatchObject({
      after: { created: [], changed: ["connection prod", "user ana"] },
    });
  });

  it("shows which other connection stops to be the default", async () => {
    const { ctx } = await begin();
    await createConnection(ctx, { name: "old", host: "old.example.com", isDefault: true });
    const configuration: Configuration = {
      connections: [
        { name: "new", host: "new.example.com", default: true },
        { name: "old", region: "eu" },
      ],
    };
    expect(await planned(ctx, configuration)).toEqual([
      '~ connection old region: "" → "eu"',
      "+ connection new",
      '+ connection new host: null → "new.example.com"',
      "+ connection new default: null → true",
      "~ connection old default: true → false",
    ]);
    await apply(ctx, configuration);
    expect(await getConnection(ctx, "old")).toMatchObject({ isDefault: false, region: "eu" });
    expect(await planned(ctx, configuration)).toEqual([]);
    const back: Configuration = {
      connections: [
        { name: "old", default: true },
        { name: "new", default: false },
      ],
    };
    expect(await planned(ctx, back)).toEqual([
      "~ connection new default: true → false",
      "~ connection old default: false → true",
    ]);
    await apply(ctx, back);
    expect(await planned(ctx, back)).toEqual([]);
  });

  it("lets the last admin hand over in one go, and refuses when nobody would be left", async () => {
    const { ctx } = await begin();
    await createUser(ctx, { name: "old", systemAdmin: true, password: "an old password" });
    const leaves = { name: "old", systemAdmin: false };
    const refused = { code: "USER_LAST_ADMIN", message: expect.stringMatching(/^user old: /) as string };
    await expect(planConfiguration(ctx, { users: [leaves] })).rejects.toMatchObject(refused);
    await apply(ctx, { users: [leaves, { name: "next", systemAdmin: true, password: "the next password" }] });
    expect(await getUser(ctx, "old")).toMatchObject({ systemAdmin: false });
  });
});
