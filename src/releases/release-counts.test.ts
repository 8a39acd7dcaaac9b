import fc from "fast-check";
import { sql } from "kysely";
import { beforeAll, expect, it } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine, onPostgres } from "../../test/support/databases.ts";
import { expectExactCounts, expectRightPages, readListed } from "../../test/support/listed-releases.ts";
import { makeManyReleases, PROJECT_KEY } from "../../test/support/many-releases.ts";
import { type Context, inTransaction } from "../context.ts";
import { findDistributionOf } from "../distributions/distribution-store.ts";
import { failDistribution, finishDistribution } from "../distributions/finish-distribution.ts";
import { retryDistribution } from "../distributions/retry-distribution.ts";
import { isDomainError } from "../kernel/errors.ts";
import { createProject } from "../projects/create-project.ts";
import { getProject } from "../projects/get-project.ts";
import { openDatabase } from "../storage/database.ts";
import { deleteRelease } from "./delete-release.ts";
import { prepareRelease } from "./prepare-release.ts";
import { addToCounts } from "./release-counter-store.ts";

/** Leaves the newest block of the project short of full by a few dozen. */
const RELEASES = 3_220;

const LABELS = ["nightly", "stable", "", "=", "success=nightly", "two words 1", "ä"];

type Deed =
  | { readonly kind: "create"; readonly labels: readonly string[] }
  | { readonly kind: "delete" | "finish" | "fail" | "retry"; readonly of: number };

const Deeds: fc.Arbitrary<readonly Deed[]> = fc.array(
  fc.oneof(
    fc.record({
      kind: fc.constant("create" as const),
      labels: fc.array(fc.constantFrom(...LABELS), { maxLength: 4 }),
    }),
    fc.record({ kind: fc.constantFrom("delete", "finish", "fail", "retry"), of: fc.nat() }),
  ),
  { minLength: 30, maxLength: 60 },
);

let versions = 0;

async function create(ctx: Context, projectKey: string, labels: readonly string[]): Promise<string> {
  const record = await prepareRelease(ctx, {
    projectKey,
    version: `made ${(versions += 1)}`,
    source: "manual",
    originalVersion: null,
    environmentName: "",
    production: false,
    description: "",
    labels,
    targetConnectionId: null,
    withReferrers: null,
    createdBy: "somebody",
    services: [],
  });
  return (await record(ctx)).content.id;
}

/** Ends the copy of a release as the task does, whatever state it is in. */
async function end(ctx: Context, contentId: string, how: "finish" | "fail"): Promise<void> {
  const { id = "" } = (await findDistributionOf(ctx.db, contentId)) ?? {};
  await inTransaction(ctx, (tx) =>
    how === "finish" ? finishDistribution(tx, id) : failDistribution(tx, id, "the disk is full"),
  );
}

/** Does a deed, to one of these releases; what cannot be done to it in its state is refused. */
async function carryOut(ctx: Context, deed: Deed, ids: readonly string[]): Promise<void> {
  if (deed.kind === "create") return void (await create(ctx, PROJECT_KEY, deed.labels));
  const contentId = ids[deed.of % ids.length] ?? "";
  const place = { contentId, projectKey: null };
  try {
    if (deed.kind === "delete") await deleteRelease(ctx, place);
    else if (deed.kind === "retry") await retryDistribution(ctx, place);
    else await end(ctx, contentId, deed.kind);
  } catch (error) {
    if (!isDomainError(error, "RELEASE_NOT_FOUND", "DISTRIBUTION_NOT_FAILED")) throw error;
  }
}

eachEngine((engine) => {
  let ctx: Context;
  beforeAll(async () => {
    const options = await engine.place();
    await makeManyReleases(options, RELEASES);
    const { db, close } = await openDatabase(options);
    ctx = testContext(db);
    return close;
  });

  it("are exact after any deeds, done at once or one by one, and so is every page", async () => {
    const project = await getProject(ctx, PROJECT_KEY);
    await fc.assert(
      fc.asyncProperty(
        Deeds,
        fc.constantFrom(1, 8),
        fc.integer({ min: 40, max: 400 }),
        async (deeds, atOnce, size) => {
          // Few, so that deeds meet in one release; the newest stand in the block that creates fill.
          const ids = (await readListed(ctx.db, project.id)).slice(0, 12).map(({ id }) => id);
          for (let first = 0; first < deeds.length; first += atOnce)
            await Promise.all(deeds.slice(first, first + atOnce).map((deed) => carryOut(ctx, deed, ids)));
          await expectExactCounts(ctx.db, project.id);
          await expectRightPages(ctx, project, size);
        },
      ),
      { numRuns: 6 },
    );
    const blocks = (await readListed(ctx.db, project.id)).map(({ block }) => block);
    expect(Math.max(...blocks)).toBeGreaterThan(0);
  });

  it("stay as they were when a transaction is undone", async () => {
    const project = await getProject(ctx, PROJECT_KEY);
    const [release] = await readListed(ctx.db, project.id);
    const undone = inTransaction(ctx, async (tx) => {
      await create(tx, PROJECT_KEY, ["nightly"]);
      await deleteRelease(tx, { contentId: release?.id ?? "", projectKey: null });
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    await expectExactCounts(ctx.db, project.id);
  });

  it("are of one project each, and of none while it has no release", async () => {
    const { id } = await createProject(ctx, { key: `own-${engine.kind}`, name: "Own" });
    await expectExactCounts(ctx.db, id);
    const contentId = await create(ctx, `own-${engine.kind}`, ["only here"]);
    await expectExactCounts(ctx.db, id);
    await deleteRelease(ctx, { contentId, projectKey: null });
    await expectExactCounts(ctx.db, id);
    const left = await ctx.db.selectFrom("release_counts").selectAll().where("project_id", "=", id).execute();
    expect(left).toEqual([{ project_id: id, filter: "", block: 0, count: 0 }]);
  });

  it("change in a transaction or not at all", () => {
    expect(() => addToCounts(ctx.db, { projectId: "p", block: 0 }, [""], 1)).toThrow("need a transaction");
  });
});

onPostgres((engine) => {
  it("never bring two transactions to wait for each other", async () => {
    const database = await engine.open();
    const ctx = testContext(database.db);
    const keys = ["one", "two"];
    for (const key of keys) await createProject(ctx, { key, name: key });
    const endAll = (contentIds: readonly string[]): Promise<void> =>
      inTransaction(ctx, async (tx) => {
        for (const id of contentIds) await end(tx, id, "finish");
      });
    const waiting = async (): Promise<unknown> => {
      const { rows } = await sql<{ count: number }>`select count(*) as count from pg_stat_activity
        where datname = current_database() and wait_event_type = 'Lock'`.execute(ctx.db);
      return rows[0]?.count;
    };
    // Both come for counts of project one that somebody else holds. Who then goes on first is chance: several rounds.
    for (let round = 0; round < 6; round += 1) {
      const make = () => Promise.all(keys.map((key) => create(ctx, key, LABELS)));
      const [forward, backward] = [await make(), (await make()).toReversed()];
      const [holding, released] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
      const holder = inTransaction(ctx, async (tx) => {
        const { id } = await getProject(tx, "one");
        await tx.db.updateTable("release_counts").set({ count: 0 }).where("project_id", "=", id).execute();
        holding.resolve();
        await released.promise;
        throw new Error("undone");
      });
      await holding.promise;
      const ends = [endAll(forward), endAll(backward)];
      await expect.poll(waiting, { timeout: 4_000 }).toBe(2);
      released.resolve();
      await expect(holder).rejects.toThrow("undone");
      await Promise.all(ends);
    }
    for (const key of keys) await expectExactCounts(ctx.db, (await getProject(ctx, key)).id);
    // A connection tells of the deadlocks that it saw when it ends, at the latest.
    const { db } = await database.reopen();
    const { rows } = await sql`
      select deadlocks from pg_stat_database where datname = current_database()`.execute(db);
    expect(rows).toEqual([{ deadlocks: 0 }]);
  });
});
