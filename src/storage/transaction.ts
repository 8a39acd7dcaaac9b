import { markTransaction } from "../kernel/transaction-scope.ts";
import type { Database } from "./database.ts";
import { retryAfterDeadlock } from "./deadlock-retry.ts";
import { LIMIT_MILLIS } from "./transaction-limit.ts";

const lastWrites = new WeakMap<Database, (() => Promise<void>)[]>();
const afterCommits = new WeakMap<Database, (() => void)[]>();

/**
 * Runs `work` in one transaction (on PostgreSQL read committed) and commits; when it throws, nothing is written.
 * Inside a transaction already, joins it. Ends with an Error after 5 s.
 * After a deadlock `work` runs again, so its only effects are those on `tx`.
 */
export const runTransaction = <T>(db: Database, work: (tx: Database) => Promise<T>): Promise<T> =>
  db.isTransaction ? work(db) : retryAfterDeadlock(() => runOnce(db, work));

/**
 * Carries out these writes as the transaction's last, whatever it still does before it commits: what many wait for is
 * then held for the length of a commit. Throws an Error outside of a transaction.
 */
export function beforeCommit(tx: Database, writes: () => Promise<void>): void {
  const last = lastWrites.get(tx);
  if (!last) throw new Error("Writes before a commit need a transaction of runTransaction");
  last.push(writes);
}

/** Calls `effect` once the transaction is committed, never when it is rolled back; outside of one, at once. */
export function afterCommit(db: Database, effect: () => void): void {
  const effects = afterCommits.get(db);
  if (effects) effects.push(effect);
  else effect();
}

async function runOnce<T>(db: Database, work: (tx: Database) => Promise<T>): Promise<T> {
  const tx = await db.startTransaction().execute();
  const last: (() => Promise<void>)[] = [];
  lastWrites.set(tx, last);
  const effects: (() => void)[] = [];
  afterCommits.set(tx, effects);
  let value: T;
  try {
    value = await withinLimit(
      markTransaction(async () => {
        const result = await work(tx);
        for (const writes of last) await writes();
        return result;
      }),
    );
    await tx.commit().execute();
  } catch (error) {
    // What `work` threw matters more than a connection that is gone with its transaction.
    await tx
      .rollback()
      .execute()
      .catch(() => undefined);
    throw error;
  }
  for (const effect of effects) effect();
  return value;
}

async function withinLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () =>
        reject(
          new Error(`A database transaction took longer than ${LIMIT_MILLIS / 1000} s and was rolled back`),
        ),
      LIMIT_MILLIS,
    );
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
