import { sql } from "kysely";
import { beforeAll, expect, it } from "vitest";
import { testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import {
  expectExactCounts,
  expectRightPages,
  filtersOf,
  matching,
  readListed,
} from "../../test/support/listed-releases.ts";
import { makeManyReleases, PROJECT_KEY } from "../../test/support/many-releases.ts";
import type { Context } from "../context.ts";
import * as z from "zod";
import { Cursor } from "../kernel/page.ts";
import { createProject } from "../projects/create-project.ts";
import { getProject } from "../projects/get-project.ts";
import type { Project } from "../projects/project.ts";
import type { Database } from "../storage/database.ts";
import { openDatabase } from "../storage/database.ts";
import { factsOf } from "../storage/engine.ts";
import { runTransaction } from "../storage/transaction.ts";
import { deleteRelease } from "./delete-release.ts";
import { listLabels } from "./list-labels.ts";
import { listReleases } from "./list-releases.ts";
import { selectPlace } from "./release-counter-store.ts";
import { selectLabels, selectPage } from "./release-list-store.ts";

/** Enough for four blocks of the project's own. */
const RELEASES = 10_200;

eachEngine((engine) => {
  let ctx: Context;
  let project: Project;
  beforeAll(async () => {
    const options = await engine.place();
    await makeManyReleases(options, RELEASES);
    const { db, close } = await openDatabase(options);
    ctx = testContext(db);
    project = await getProject(ctx, PROJECT_KEY);
    return close;
  });

  it("are in the order of time after an upgrade, in blocks, and every one is counted", async () => {
    const listed = await readListed(ctx.db, project.id);
    expect(listed).toHaveLength((RELEASES / 10) * 3);
    expect(new Set(listed.map(({ block }) => block)).size).toBeGreaterThan(3);
    const byTime = listed.toSorted((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
    expect(listed.map(({ id }) => id)).toEqual(byTime.map(({ id }) => id));
    expect(filtersOf(listed).filter((filter) => matching(listed, filter).length > 0).length).toBe(14);
    await expectExactCounts(ctx.db, project.id);
    await expectRightPages(ctx, project, 250);
  });

  it("by cursor have every release once, with any filter", async () => {
    const listed = await readListed(ctx.db, project.id);
    for (const filter of filtersOf(listed)) {
      const seen: string[] = [];
      for (let after: Cursor | null = null; ;) {
        const page = { after, limit: 450 };
        const { items, next } = await listReleases(ctx, { projectKey: project.key, ...filter, page });
        seen.push(...items.map(({ content }) => content.id));
        if (next === null) break;
        after = z.decode(Cursor, next);
      }
      expect({ filter, seen }).toEqual({ filter, seen: matching(listed, filter).map(({ id }) => id) });
    }
  });

  it("go on behind a release that was deleted meanwhile", async () => {
    const ask = (after: Cursor | null) =>
      listReleases(ctx, { projectKey: project.key, status: null, label: null, page: { after, limit: 2 } });
    const [, second] = (await ask(null)).items;
    const next = z.decode(Cursor, (await ask(null)).next ?? "");
    expect(next.id).toBe(second?.content.id);
    const expected = await ask(next);
    await deleteRelease(ctx, { contentId: next.id, projectKey: null });
    expect(await ask(next)).toEqual(expected);
  });

  it("refuse a cursor of another project's list", async () => {
    await createProject(ctx, { key: "empty", name: "Empty" });
    const [release] = await readListed(ctx.db, project.id);
    const page = { after: { at: release?.createdAt ?? 0, id: release?.id ?? "" }, limit: 2 };
    await expect(
      listReleases(ctx, { projectKey: "empty", status: null, label: null, page }),
    ).rejects.toMatchObject({ code: "INPUT_INVALID" });
  });

  it("name the labels that releases carry, and no longer those of the last that was deleted", async () => {
    expect(await listLabels(ctx, project.key)).toEqual(["nightly", "rare", "stable"]);
    const listed = await readListed(ctx.db, project.id);
    for (const { id } of matching(listed, { status: null, label: "rare" }))
      await deleteRelease(ctx, { contentId: id, projectKey: null });
    expect(await listLabels(ctx, project.key)).toEqual(["nightly", "stable"]);
    expect(await listLabels(ctx, "empty")).toEqual([]);
    await expectExactCounts(ctx.db, project.id);
  });

  it("read a range of an index: no list sorts or looks at what it does not show", async () => {
    const place = { block: 2, at: 1_700_000_000_000, id: "b" };
    const statements = [null, "failed" as const].flatMap((status) =>
      [null, "stable"].flatMap((label) => {
        const filter = { projectId: project.id, status, label };
        return [
          selectPage(filter, "top", 20),
          selectPage(filter, place, 20),
          selectPage(filter, { block: 2, skip: 20 }, 20),
        ];
      }),
    );
    for (const statement of statements) {
      const plan = await planOf(ctx.db, statement);
      expect(plan).toMatch(/Index Only Scan using|USING COVERING INDEX/);
      expect(plan).not.toMatch(/Sort|Seq Scan|Bitmap|Filter|B-TREE|SCAN/);
    }
    const filter = { projectId: project.id, status: null, label: "stable" };
    expect(await planOf(ctx.db, selectPlace(filter, 20))).toMatch(/Index Scan (Backward )?using|USING INDEX/);
    const labels = await planOf(ctx.db, selectLabels(project.id));
    expect(labels).toMatch(/Index Only Scan using release_labels|SEARCH release_labels USING COVERING INDEX/);
    expect(labels).not.toMatch(/Seq Scan|SCAN release_labels/);
  });
});

/** How the engine would carry the statement out on a table of any size: what sorts or reads all is its last resort. */
const planOf = (db: Database, statement: Parameters<typeof explain>[1]): Promise<string> =>
  runTransaction(db, async (tx) => {
    if (factsOf(tx).shared)
      await sql`set local enable_seqscan = off; set local enable_sort = off; set local enable_bitmapscan = off`.execute(
        tx,
      );
    return explain(tx, statement);
  });

async function explain(tx: Database, statement: ReturnType<typeof sql>): Promise<string> {
  const words = factsOf(tx).shared ? sql`explain` : sql`explain query plan`;
  const { rows } = await sql<Record<string, unknown>>`${words} ${statement}`.execute(tx);
  return rows.map((row) => String(row["QUERY PLAN"] ?? row["detail"])).join("\n");
}
