import { sql } from "kysely";
import type { Database } from "../storage/database.ts";
import { nowOf } from "./database-clock.ts";
import type { KnownKind } from "./lease-store.ts";

/** How the tasks stand, for the metrics page. */
export interface TaskMetrics {
  readonly counts: readonly { readonly kind: string; readonly state: string; readonly count: number }[];
  /** Live tasks of a kind or version that this process cannot carry out. */
  readonly unknown: readonly { readonly kind: string; readonly version: number; readonly count: number }[];
  /** Ready tasks whose time has come, by kind: the queue. */
  readonly due: readonly { readonly kind: string; readonly count: number }[];
  /** How long the task that is due longest has waited, in milliseconds; 0 when none is due. */
  readonly oldestDueMillis: number;
}

interface CountRow {
  readonly kind: string;
  readonly version: number;
  readonly state: string;
  readonly count: number;
}

/** Counts all tasks; `kinds` are those that this process knows. */
export async function readTaskMetrics(db: Database, kinds: readonly KnownKind[]): Promise<TaskMetrics> {
  const known = new Set(kinds.map(({ name, version }) => `${name} ${version}`));
  const rows = await readCounts(db);
  const foreign = rows.filter((row) => !known.has(`${row.kind} ${row.version}`) && !hasEnded(row.state));
  const due = await readDue(db);
  return {
    counts: add(rows, (row) => `${row.kind} ${row.state}`).map(({ kind, state, count }) => ({
      kind,
      state,
      count,
    })),
    unknown: add(foreign, (row) => `${row.kind} ${row.version}`).map(({ kind, version, count }) => ({
      kind,
      version,
      count,
    })),
    due: due.map(({ kind, count }) => ({ kind, count })),
    oldestDueMillis: Math.max(0, ...due.map(({ millis }) => millis)),
  };
}

/** Each of these has an index that holds no more than what is counted. */
const COUNTED = [
  "state = 'ready'",
  "state = 'running'",
  "state = 'waiting'",
  "state in ('done', 'failed', 'cancelled')",
];

async function readCounts(db: Database): Promise<readonly CountRow[]> {
  const arms = COUNTED.map(
    (those) => sql`select kind, version, state, count(*) as count from tasks where ${sql.raw(those)}
      group by kind, version, state`,
  );
  const { rows } = await sql<CountRow>`
    ${sql.join(arms, sql` union all `)} order by kind, version, state
  `.execute(db);
  return rows;
}

const hasEnded = (state: string): boolean => state === "done" || state === "failed" || state === "cancelled";

/** One row for each key, with the sum of the counts. */
function add(rows: readonly CountRow[], keyOf: (row: CountRow) => string): readonly CountRow[] {
  const sums = new Map<string, CountRow>();
  for (const row of rows) {
    const sum = sums.get(keyOf(row));
    sums.set(keyOf(row), sum ? { ...sum, count: sum.count + row.count } : row);
  }
  return [...sums.values()];
}

interface DueRow {
  readonly kind: string;
  readonly count: number;
  readonly millis: number;
}

/** The tasks that are due, by kind, and how long the first of each has waited. */
async function readDue(db: Database): Promise<readonly DueRow[]> {
  const { rows } = await sql<DueRow>`
    select kind, count(*) as count, ${nowOf(db)} - min(run_at) as millis from tasks
    where state = 'ready' and run_at <= ${nowOf(db)} group by kind order by kind
  `.execute(db);
  return rows;
}
