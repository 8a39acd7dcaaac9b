import { expect, it } from "vitest";
import { asRole, recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { changeUser } from "../access/change-user.ts";
import { changeConnection } from "../connections/change-connection.ts";
import { createConnection } from "../connections/create-connection.ts";
import type { Context } from "../context.ts";
import { applyConfiguration } from "./apply-configuration.ts";
import { changeProject } from "./change-project.ts";
import type { Configuration } from "./configuration.ts";
import { createProject } from "./create-project.ts";
import { getProject } from "./get-project.ts";
import { listProjects } from "./list-projects.ts";
import { planConfiguration } from "./plan-configuration.ts";

const page = { after: null, limit: 50 };
const REGISTRY_PASSWORD = "hush hush, registry";
const ANA_PASSWORD = "correct horse battery";

const apply = async (ctx: Context, configuration: Configuration) => {
  const { fingerprint } = await planConfiguration(ctx, configuration);
  return applyConfiguration(ctx, { configuration, fingerprint });
};

eachEngine((engine) => {
  async function begin() {
    const { db } = await engine.open();
    return { db, ctx: testContext(db) };
  }

  it("does all or nothing: when one entry is refused, also a late one, nothing is made", async () => {
    const { db, ctx } = await begin();
    await createConnection(ctx, {
      name: "prod",
      host: "registry.example.com",
      username: "robot",
      password: REGISTRY_PASSWORD,
    });
    const before = await recordedEvents(db);
    const refusals: [Configuration, object][] = [
      [
        {
          connections: [
            { name: "one", host: "one.example" },
            { name: "prod", host: "else.example" },
          ],
        },
        { code: "INPUT_INVALID", message: expect.stringMatching(/^connection prod: password: give it/) },
      ],
      [
        { connections: [{ name: "one", host: "one.example", username: "robot" }] },
        { code: "INPUT_INVALID", message: expect.stringMatching(/^connection one: username and password: /) },
      ],
      [
        { connections: [{ name: "one", namespace: "team" }] },
        { code: "INPUT_INVALID", message: "connection one: host: a new connection needs one" },
      ],
      [
        { connections: [{ name: "one", host: "one.example", ca: "nonsense" }] },
        {
          code: "INPUT_INVALID",
          message:
            "connection one: caPem: not a certificate in PEM form: there is no line -----BEGIN CERTIFICATE-----",
        },
      ],
      [
        { connections: [{ name: "one", host: "one.example", projects: ["shop", "elsewhere"] }] },
        { code: "PROJECT_NOT_FOUND", message: "connection one: Unknown project elsewhere" },
      ],
      [
        { users: [{ name: "ana" }, { name: "bo", roles: { shop: "viewer", elsewhere: "viewer" } }] },
        { code: "PROJECT_NOT_FOUND", message: "user bo: Unknown project elsewhere" },
      ],
    ];
    for (const [part, refusal] of refusals) {
      const configuration: Configuration = { projects: [{ key: "shop", services: ["api"] }], ...part };
      await expect(planConfiguration(ctx, configuration)).rejects.toMatchObject(refusal);
      // Whatever fingerprint comes, it is not carried out in part.
      await expect(
        applyConfiguration(ctx, { configuration, fingerprint: "0".repeat(64) }),
      ).rejects.toBeInstanceOf(Error);
    }
    expect(await recordedEvents(db)).toEqual(before);
    expect((await listProjects(ctx, page)).items).toEqual([]);
  });

  it("rolls everything back when the last entry fails in the middle of being carried out", async () => {
    const { db, ctx } = await begin();
    const configuration: Configuration = {
      projects: [{ key: "shop" }],
      users: [{ name: "ana", password: ANA_PASSWORD }],
      connections: [{ name: "prod", host: "a.example", username: "robot", password: REGISTRY_PASSWORD }],
    };
    const { fingerprint } = await planConfiguration(ctx, configuration);
    const seal = () => {
      throw new Error("the key is gone");
    };
    const broken: Context = { ...ctx, secrets: { ...ctx.secrets, seal } };
    await expect(applyConfiguration(broken, { configuration, fingerprint })).rejects.toThrow(
      "the key is gone",
    );
    expect(await recordedEvents(db)).toEqual([]);
    expect((await listProjects(ctx, page)).items).toEqual([]);
    await applyConfiguration(ctx, { configuration, fingerprint });
  });

  it("refuses a plan that is not true any more, whichever part of it", async () => {
    const { ctx } = await begin();
    await apply(ctx, {
      projects: [{ key: "shop" }],
      connections: [{ name: "prod", host: "a.example", username: "robot", password: REGISTRY_PASSWORD }],
      users: [{ name: "ana", password: ANA_PASSWORD }],
    });
    const configuration: Configuration = {
      projects: [{ key: "shop", name: "New" }],
      connections: [{ name: "prod", password: "a new one" }],
      users: [{ name: "ana", password: "another password", roles: { shop: "admin" } }],
    };
    const inBetween = [
      () => changeProject(ctx, { key: "shop", name: "In between" }),
      () => changeConnection(ctx, { connection: "prod", change: { password: "in between" } }),
      () => changeConnection(ctx, { connection: "prod", change: { password: "a new one" } }),
      () => changeUser(ctx, { user: "ana", change: { password: "in between them" } }),
      () => changeUser(ctx, { user: "ana", change: { password: null } }),
      () => apply(ctx, { users: [{ name: "ana", roles: { shop: "viewer" } }] }),
      () => apply(ctx, configuration),
    ];
    for (const change of inBetween) {
      const { fingerprint } = await planConfiguration(ctx, configuration);
      await change();
      await expect(applyConfiguration(ctx, { configuration, fingerprint })).rejects.toMatchObject({
        code: "CONFIGURATION_CHANGED",
        message: expect.stringContaining("plan again") as string,
      });
    }
  });

  it("carries a plan out once when it is applied several times at once", async () => {
    const { db, ctx } = await begin();
    const configuration: Configuration = {
      projects: [{ key: "shop", services: ["api", "web"] }],
      connections: [{ name: "prod", host: "a.example", projects: ["shop"] }],
      users: [{ name: "ana", roles: { shop: "viewer" } }],
    };
    const { fingerprint } = await planConfiguration(ctx, configuration);
    const ends = await Promise.allSettled(
      Array.from({ length: 4 }, () => applyConfiguration(ctx, { configuration, fingerprint })),
    );
    expect(ends.map(({ status }) => status).toSorted()).toEqual([
      "fulfilled",
      "rejected",
      "rejected",
      "rejected",
    ]);
    const refused = ends.flatMap((end) => (end.status === "rejected" ? [end.reason as unknown] : []));
    for (const reason of refused) expect(reason).toMatchObject({ code: "CONFIGURATION_CHANGED" });
    const kinds = (await recordedEvents(db)).map(({ kind }) => kind);
    expect(kinds.filter((kind) => kind === "configuration.applied")).toHaveLength(1);
    expect(kinds.filter((kind) => kind === "project.created")).toHaveLength(1);
  });

  it("is for system admins alone", async () => {
    const { ctx } = await begin();
    const shop = await createProject(ctx, { key: "shop", name: "Shop" });
    const admin = asRole(ctx, shop.id, "admin");
    const forbidden = { code: "FORBIDDEN" };
    await expect(planConfiguration(admin, {})).rejects.toMatchObject(forbidden);
    const configuration: Configuration = { projects: [{ key: "shop", name: "Mine" }] };
    const { fingerprint } = await planConfiguration(ctx, configuration);
    await expect(applyConfiguration(admin, { configuration, fingerprint })).rejects.toMatchObject(forbidden);
    expect((await getProject(ctx, "shop")).name).toBe("Shop");
  });

  it("refuses entries that stand twice, two defaults, and names that are the program's own", async () => {
    const { ctx } = await begin();
    const bad: [Configuration, RegExp][] = [
      [{ projects: [{ key: "a" }, { key: "b" }, { key: "a" }] }, /^projects\.2: a has an entry above/],
      [{ users: [{ name: "a" }, { name: "a" }] }, /^users\.1: a has an entry above/],
      [
        {
          connections: [
            { name: "a", host: "a.example", default: true },
            { name: "b", host: "b.example", default: true },
          ],
        },
        /^connections: only one can be the default/,
      ],
      [{ connections: [{ name: "built-in", region: "x" }] }, /^connections\.0\.name: /],
      [{ users: [{ name: "headgate", disabled: true }] }, /^users\.0\.name: /],
      [{ users: [{ name: "ana", password: "short" }] }, /^users\.0\.password: /],
      [{ projects: [{ key: "shop", services: ["../api"] }] }, /^projects\.0\.services\.0: /],
    ];
    for (const [configuration, message] of bad)
      await expect(planConfiguration(ctx, configuration)).rejects.toMatchObject({
        code: "INPUT_INVALID",
        message: expect.stringMatching(message) as string,
      });
  });

  it("makes a thousand things in one transaction, and says so when there are more", async () => {
    const { ctx } = await begin();
    const projects = Array.from({ length: 10 }, (_, index) => ({
      key: `p${index}`,
      services: Array.from({ length: 99 }, (__, number) => `s${number}`),
    }));
    expect((await apply(ctx, { projects })).changes).toHaveLength(1000);
    const more = [
      ...projects.map(({ key }) => ({ key: `q${key}`, services: projects[0]?.services })),
      { key: "z" },
    ];
    await expect(planConfiguration(ctx, { projects: more })).rejects.toMatchObject({
      code: "INPUT_INVALID",
      message: expect.stringContaining("apply the file in parts") as string,
    });
  });
});
