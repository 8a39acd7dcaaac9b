import { type RawBuilder, sql } from "kysely";
import type { Database } from "../storage/database.ts";
import { factsOf } from "../storage/engine.ts";
import type { Tables } from "../storage/tables.ts";
import { nowOf } from "./database-clock.ts";

/** A run's hold on a task: good only while the row is running with this very fence. */
export interface Lease {
  readonly taskId: string;
  readonly fence: number;
}

/** A task that this runner has just leased. */
export interface ClaimedTask extends Lease {
  readonly kind: string;
  readonly version: number;
  readonly payloadJson: string;
  readonly attempt: number;
  readonly cancelRequested: boolean;
  /** The database's clock at the claim, epoch ms. */
  readonly claimedAtMillis: number;
}

/** A kind and version that a runner can carry out. */
export interface KnownKind {
  readonly name: string;
  readonly version: number;
}

/** How many more of a kind a runner can take now. */
export interface FreeSlots extends KnownKind {
  readonly free: number;
}

const skipLocked = (db: Database): RawBuilder<unknown> =>
  factsOf(db).skipLocked ? sql`for update skip locked` : sql``;

/** Leases due tasks, at most as many of each kind as are free, oldest due first. */
export const claimDue = (
  db: Database,
  owner: string,
  leaseMillis: number,
  slots: readonly FreeSlots[],
): Promise<readonly ClaimedTask[]> => {
  const arms = slots.map(
    (slot) => sql`select id from (select id from tasks
      where state = 'ready' and cancel_requested = 0 and kind = ${slot.name} and version = ${slot.version}
      and run_at <= ${nowOf(db)} order by run_at, id limit ${slot.free} ${skipLocked(db)}) as due`,
  );
  return claim(db, owner, leaseMillis, sql.join(arms, sql` union all `));
};

/** Leases ready tasks of these kinds that are to be cancelled, due or not: ending them takes no slot. */
export const claimCancelled = (
  db: Database,
  owner: string,
  leaseMillis: number,
  kinds: readonly KnownKind[],
): Promise<readonly ClaimedTask[]> => {
  const known = kinds.map((kind) => sql`(kind = ${kind.name} and version = ${kind.version})`);
  const rows = sql`select id from tasks where state = 'ready' and cancel_requested = 1 and ended_at is null
    and (${sql.join(known, sql` or `)}) order by id limit 100 ${skipLocked(db)}`;
  return claim(db, owner, leaseMillis, rows);
};

/** The rows are chosen once (`materialized`): a plan that asked again for each row would lease too many. */
async function claim(
  db: Database,
  owner: string,
  leaseMillis: number,
  rows: RawBuilder<unknown>,
): Promise<readonly ClaimedTask[]> {
  const now = nowOf(db);
  const claimed = await sql<Tables["tasks"] & { claimed_at: number }>`
    update tasks set state = 'running', lease_owner = ${owner}, leased_until = ${now} + ${leaseMillis},
      fence = fence + 1
    where state = 'ready' and id in (with chosen as materialized (${rows}) select id from chosen)
    returning id, kind, version, payload_json, attempt, fence, cancel_requested, ${now} as claimed_at
  `.execute(db);
  return claimed.rows.map((row) => ({
    taskId: row.id,
    fence: row.fence,
    kind: row.kind,
    version: row.version,
    payloadJson: row.payload_json,
    attempt: row.attempt,
    cancelRequested: row.cancel_requested === 1,
    claimedAtMillis: row.claimed_at,
  }));
}

/** In how many milliseconds the next task of these kinds is due (negative: since when); null when there is none. */
export async function millisUntilDue(db: Database, kinds: readonly KnownKind[]): Promise<number | null> {
  const arms = kinds.map(
    ({ name, version }) => sql`select min(run_at) as run_at from tasks
      where state = 'ready' and cancel_requested = 0 and kind = ${name} and version = ${version}`,
  );
  const result = await sql<{ now: number; next: number | null }>`
    select ${nowOf(db)} as now, min(run_at) as next from (${sql.join(arms, sql` union all `)}) as due
  `.execute(db);
  const row = result.rows[0];
  return row && row.next !== null ? row.next - row.now : null;
}

/** A lease that was renewed, with its owner's news. */
export interface RenewedLease extends Lease {
  readonly cancelRequested: boolean;
}

/** Renews the leases of these tasks of this owner in one statement; one that is missing from the answer is lost. */
export async function renewLeases(
  db: Database,
  owner: string,
  leaseMillis: number,
  taskIds: readonly string[],
): Promise<readonly RenewedLease[]> {
  const rows = await db
    .updateTable("tasks")
    .set({ leased_until: sql<number>`${nowOf(db)} + ${leaseMillis}` })
    .where("lease_owner", "=", owner)
    .where("state", "=", "running")
    .where("id", "in", [...taskIds])
    .returning(["id", "fence", "cancel_requested"])
    .execute();
  return rows.map((row) => ({
    taskId: row.id,
    fence: row.fence,
    cancelRequested: row.cancel_requested === 1,
  }));
}

/** The running tasks of this owner that are to be cancelled. */
export async function findCancelledRuns(db: Database, owner: string): Promise<readonly string[]> {
  const rows = await sql<{ id: string }>`
    select id from tasks
    where cancel_requested = 1 and ended_at is null and state = 'running' and lease_owner = ${owner}
  `.execute(db);
  return rows.rows.map((row) => row.id);
}

/**
 * Makes running tasks ready again whose lease ran out (`all`: every one); returns their ids. The first three times
 * at once; if no step was finished by then, the task may be what ends the processes, and is tried ever more
 * rarely: after 1 s, 2 s, … 128 s, 5 minutes.
 */
export async function takeBackLeases(db: Database, which: "expired" | "all"): Promise<readonly string[]> {
  const now = nowOf(db);
  const expired = which === "all" ? sql`` : sql`and leased_until < ${now}`;
  const { rows } = await sql<{ id: string }>`
    update tasks set state = 'ready', lease_owner = null, leased_until = null, lost_runs = lost_runs + 1,
      run_at = case when lost_runs < 3 then run_at
        when lost_runs < 11 then ${now} + (1000 << (lost_runs - 3)) else ${now} + 300000 end
    where state = 'running' and id in (select id from tasks where state = 'running' ${expired} ${skipLocked(db)})
    returning id
  `.execute(db);
  return rows.map((row) => row.id);
}
