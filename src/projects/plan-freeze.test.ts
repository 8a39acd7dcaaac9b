import { expect, it } from "vitest";
import { recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import type { Context } from "../context.ts";
import { createFreeze } from "../environments/create-freeze.ts";
import { FreezeDraft } from "../environments/freeze-draft.ts";
import { getFreeze, liftFreeze, listFreezes } from "../environments/lift-freeze.ts";
import { applyConfiguration } from "./apply-configuration.ts";
import type { Configuration } from "./configuration.ts";
import { planConfiguration } from "./plan-configuration.ts";

const FREEZES: Configuration["freezes"] = [
  { name: "now", reason: "stocktaking" },
  {
    name: "winter",
    place: { project: null, tier: "production", environment: null },
    schedule: { kind: "once", startsAt: "2026-12-20T00:00:00Z", endsAt: "2027-01-07T00:00:00Z" },
    reason: "nobody is there",
    ownerName: "ana",
    expiresAt: "2027-02-01T00:00:00Z",
    bypass: null,
  },
  {
    name: "windows",
    place: { project: "shop", tier: null, environment: "prod" },
    effect: "allow",
    schedule: { kind: "recurring", cron: "0 9 * * 1-4", durationMinutes: 480, zone: "Europe/Berlin" },
    reason: "office hours",
    bypass: "approver",
  },
];
const WHOLE: Configuration = {
  projects: [{ key: "shop", environments: [{ name: "prod", tier: "production" }] }],
  freezes: FREEZES,
};

const apply = async (ctx: Context, configuration: Configuration) => {
  const { fingerprint } = await planConfiguration(ctx, configuration);
  return applyConfiguration(ctx, { configuration, fingerprint });
};

const planned = async (ctx: Context, configuration: Configuration): Promise<string[]> =>
  (await planConfiguration(ctx, configuration)).changes.map(
    ({ action, kind, name, field, before, after }) =>
      `${action} ${kind} ${name}` +
      (field === null ? "" : ` ${field}: ${JSON.stringify(before)} → ${JSON.stringify(after)}`),
  );

const names = async (ctx: Context): Promise<string[]> => (await listFreezes(ctx)).map(({ name }) => name);

eachEngine((engine) => {
  async function begin(configuration: Configuration = WHOLE) {
    const { db } = await engine.open();
    const ctx = testContext(db);
    await apply(ctx, configuration);
    return { db, ctx };
  }

  it("makes freezes together with the project and environment that they are about", async () => {
    const { ctx } = await begin();
    const [now, winter, windows] = await listFreezes(ctx);
    expect([now, winter, windows]).toMatchObject([
      {
        scope: { level: "everything" },
        effect: "deny",
        schedule: { kind: "now" },
        ownerName: "system",
        bypass: "admin",
        origin: "configuration",
      },
      {
        scope: { level: "tier", tier: "production", projectId: null },
        schedule: { kind: "once", endsAt: new Date("2027-01-07T00:00:00Z") },
        expiresAt: new Date("2027-02-01T00:00:00Z"),
        bypass: null,
      },
      { scope: { level: "environment" }, effect: "allow", schedule: { cron: "0 9 * * 1-4" } },
    ]);
  });

  it("has nothing to do the second time, however the moments are written", async () => {
    const { db, ctx } = await begin();
    const before = await recordedEvents(db);
    expect(await planned(ctx, WHOLE)).toEqual([]);
    const [, winter] = FREEZES ?? [];
    const other = { ...WHOLE, freezes: [...(FREEZES ?? [])] };
    if (winter) other.freezes[1] = { ...winter, expiresAt: "2027-02-01T00:00:00.000Z" };
    expect(await planned(ctx, other)).toEqual([]);
    expect(await recordedEvents(db)).toEqual(before);
  });

  it("lifts a changed freeze and makes it anew, with what is not said as it was", async () => {
    const { db, ctx } = await begin();
    const old = await getFreeze(ctx, "windows");
    const change: Configuration = {
      freezes: [
        { name: "now" },
        { name: "winter" },
        { name: "windows", place: { project: "shop", tier: null, environment: null }, bypass: "admin" },
      ],
    };
    expect(await planned(ctx, change)).toEqual([
      'change freeze windows place: "environment shop/prod" → "project shop"',
      'change freeze windows bypass: "approver" → "admin"',
    ]);
    await apply(ctx, change);
    const anew = await getFreeze(ctx, "windows");
    expect(anew).toMatchObject({
      scope: { level: "project" },
      effect: "allow",
      schedule: old.schedule,
      reason: "office hours",
      ownerName: "system",
      bypass: "admin",
    });
    expect(anew.id).not.toBe(old.id);
    expect(await getFreeze(ctx, old.id)).toMatchObject({ liftedBy: "system" });
    expect((await recordedEvents(db)).map(({ kind }) => kind).slice(-3)).toEqual([
      "freeze.lifted",
      "freeze.created",
      "configuration.applied",
    ]);
  });

  it("lifts what came from a file and is not in the list any more; a file without a list lifts nothing", async () => {
    const { db, ctx } = await begin();
    expect(await planned(ctx, { projects: WHOLE.projects })).toEqual([]);
    const fewer: Configuration = { freezes: [{ name: "winter" }] };
    expect(await planned(ctx, fewer)).toEqual(["lift freeze now", "lift freeze windows"]);
    await apply(ctx, fewer);
    expect(await names(ctx)).toEqual(["winter"]);
    const [last] = (await recordedEvents(db)).slice(-1);
    expect(JSON.parse(last?.json ?? "")).toMatchObject({
      after: { created: [], changed: [], lifted: ["freeze now", "freeze windows"] },
    });
    await apply(ctx, { freezes: [] });
    expect(await names(ctx)).toEqual([]);
    // A name that is free again can be given again.
    await apply(ctx, WHOLE);
    expect(await names(ctx)).toEqual(["now", "winter", "windows"]);
  });

  it("never touches a freeze that a person made, neither to lift nor to change it", async () => {
    const { ctx } = await begin({});
    const draft = FreezeDraft.parse({ name: "mine", reason: "I say so" });
    await createFreeze(ctx, draft);
    await apply(ctx, { freezes: [] });
    expect(await names(ctx)).toEqual(["mine"]);
    await expect(
      planConfiguration(ctx, { freezes: [{ name: "mine", reason: "the file says so" }] }),
    ).rejects.toMatchObject({
      code: "FREEZE_EXISTS",
      message: "freeze mine: system made a freeze of this name: lift it, or give this one another name",
    });
  });

  it("makes a freeze again that a person lifted", async () => {
    const { ctx } = await begin();
    await liftFreeze(ctx, "now");
    expect(await planned(ctx, WHOLE)).toEqual([
      "create freeze now",
      'create freeze now reason: null → "stocktaking"',
    ]);
  });

  it("refuses freezes that cannot be, before it does anything", async () => {
    const { ctx } = await begin({});
    const once = { kind: "once", startsAt: "2026-12-20T00:00:00Z", endsAt: "2026-12-20T00:00:00Z" } as const;
    const bad: [NonNullable<Configuration["freezes"]>[number], RegExp][] = [
      [{ name: "a" }, /^freeze a: reason: a new freeze needs one/],
      [
        { name: "a", reason: "r", place: { project: "none", tier: null, environment: null } },
        /^freeze a: Unknown project none/,
      ],
      [
        { name: "a", reason: "r", place: { project: null, tier: null, environment: "prod" } },
        /^freezes\.0\.place\.environment: needs its project/,
      ],
      [{ name: "a", reason: "r", schedule: once }, /^freezes\.0\.schedule\.endsAt: must be later/],
      [
        {
          name: "a",
          reason: "r",
          schedule: { kind: "recurring", cron: "@daily", durationMinutes: 5, zone: "Europe/Berlin" },
        },
        /^freezes\.0\.schedule\.cron: /,
      ],
      [
        {
          name: "a",
          reason: "r",
          schedule: { kind: "recurring", cron: "0 0 * * *", durationMinutes: 5, zone: "Mars/Base" },
        },
        /^freezes\.0\.schedule\.zone: /,
      ],
      [{ name: "a", reason: "r", expiresAt: "tomorrow" }, /^freezes\.0\.expiresAt: /],
    ];
    for (const [freeze, message] of bad)
      await expect(planConfiguration(ctx, { freezes: [freeze] })).rejects.toMatchObject({
        message: expect.stringMatching(message) as string,
      });
  });
});
