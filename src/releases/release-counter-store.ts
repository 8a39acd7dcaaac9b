import { type RawBuilder, sql } from "kysely";
import type { Database } from "../storage/database.ts";
import { beforeCommit } from "../storage/transaction.ts";
import { filterKey, type ReleaseFilter } from "./release-filter.ts";

/*
 * How many releases a list shows, per project, filter and block of the list. A block is opened when the newest one
 * holds BLOCK_SIZE releases; a release keeps its block, and those that are made at once may fill one a little further.
 * Counts change in the transaction that changes what they count, as the last of its writes and in one order: nobody
 * who holds a count waits for anything but another count behind it. So they are exact, and never cause a deadlock.
 * A count of nothing is removed, save that of all releases: the numbers of blocks only grow.
 */

const BLOCK_SIZE = 1000;

const EVERY_RELEASE = filterKey({ status: null, label: null });

/** The block of a list in which a release stands. */
export interface BlockPlace {
  readonly projectId: string;
  readonly block: number;
}

interface Change extends BlockPlace {
  readonly filter: string;
  readonly by: number;
}

const changesOf = new WeakMap<Database, Map<string, Change>>();

/** Counts one release more or less in these filters (their keys) when the transaction commits. */
export function addToCounts(tx: Database, place: BlockPlace, filters: readonly string[], by: 1 | -1): void {
  const changes = changesOf.get(tx) ?? openChanges(tx);
  for (const filter of filters) {
    // Unambiguous, for neither an id nor a number holds a blank.
    const key = `${place.projectId} ${filter} ${place.block}`;
    changes.set(key, { ...place, filter, by: (changes.get(key)?.by ?? 0) + by });
  }
}

function openChanges(tx: Database): Map<string, Change> {
  const changes = new Map<string, Change>();
  beforeCommit(tx, () => writeChanges(tx, changes));
  changesOf.set(tx, changes);
  return changes;
}

async function writeChanges(tx: Database, changes: ReadonlyMap<string, Change>): Promise<void> {
  const inOrder = [...changes].toSorted(([left], [right]) => (left < right ? -1 : 1));
  const rows = inOrder.flatMap(([, { projectId, filter, block, by }]) =>
    by === 0 ? [] : [{ project_id: projectId, filter, block, count: by }],
  );
  if (rows.length === 0) return;
  const counts = await tx
    .insertInto("release_counts")
    .values(rows)
    .onConflict((conflict) =>
      conflict
        .columns(["project_id", "filter", "block"])
        .doUpdateSet((row) => ({ count: row("release_counts.count", "+", row.ref("excluded.count")) })),
    )
    .returningAll()
    .execute();
  for (const { project_id, filter, block, count } of counts)
    if (count === 0 && filter !== EVERY_RELEASE)
      await tx
        .deleteFrom("release_counts")
        .where("project_id", "=", project_id)
        .where("filter", "=", filter)
        .where("block", "=", block)
        .execute();
}

/** The block in which a project's next release stands. */
export async function blockForNext(db: Database, projectId: string): Promise<number> {
  const newest = await db
    .selectFrom("release_counts")
    .select(["block", "count"])
    .where("project_id", "=", projectId)
    .where("filter", "=", EVERY_RELEASE)
    .orderBy("block", "desc")
    .limit(1)
    .executeTakeFirst();
  if (!newest) return 0;
  return newest.count < BLOCK_SIZE ? newest.block : newest.block + 1;
}

/** How many releases a list shows, and where in it the one stands that comes after so many. */
export interface CountedPlace {
  readonly total: number;
  /** Its block, and how many of that block come before it; null when the list is not that long. */
  readonly start: { readonly block: number; readonly skip: number } | null;
}

/** Adds up a list's blocks from the newest on. */
export async function findPlace(db: Database, filter: ReleaseFilter, skip: number): Promise<CountedPlace> {
  const { rows } = await selectPlace(filter, skip).execute(db);
  const [{ total, block, passed } = { total: 0, block: null, passed: 0 }] = rows;
  return { total, start: block === null ? null : { block, skip: skip - passed } };
}

interface Sums {
  readonly total: number;
  readonly block: number | null;
  /** How many stand in the blocks before that one. */
  readonly passed: number;
}

/** The statement behind it, apart so that its plan can be looked at. */
export const selectPlace = (filter: ReleaseFilter, skip: number): RawBuilder<Sums> => sql`
  select coalesce(max(through), 0) as total, max(case when through > ${skip} then block end) as block,
    coalesce(max(case when through <= ${skip} then through end), 0) as passed
  from (
    select block, sum(count) over (order by block desc) as through from release_counts
    where project_id = ${filter.projectId} and filter = ${filterKey(filter)}
  ) as blocks
`;
