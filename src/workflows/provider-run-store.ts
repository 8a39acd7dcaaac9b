import { sql } from "kysely";
import type { Database } from "../storage/database.ts";
import { type RunEntry, toEntry } from "./workflow-run-store.ts";

/** Runs that began much earlier are none of a new attempt anyway. */
const CLAIMS_LOOKED_BACK_MILLIS = 7 * 24 * 60 * 60 * 1000;

/** Where a provider's run is: behind which connection, in which repository. */
export interface ProviderPlace {
  readonly connectionId: string;
  readonly repository: string;
}

/** The runs of the place of an entry that are known to belong to other entries. */
const claimsOfOthers = (db: Database, run: RunEntry) =>
  db
    .selectFrom("workflow_runs")
    .select("provider_run")
    .where("provider", "=", run.provider)
    .where("connection_id", "is not distinct from", run.connectionId)
    .where(sql`lower(repository)`, "is not distinct from", run.repository?.toLowerCase() ?? null)
    .where("provisional", "=", 0)
    .where("id", "!=", run.id);

/** Whether a run belongs to another entry. */
export async function isTaken(db: Database, run: RunEntry, providerRun: string): Promise<boolean> {
  const other = claimsOfOthers(db, run).where("provider_run", "=", providerRun);
  return (await other.executeTakeFirst()) !== undefined;
}

/** Runs of the same place that belong to other entries. */
export async function claimedRuns(db: Database, run: RunEntry): Promise<ReadonlySet<string>> {
  const rows = await claimsOfOthers(db, run)
    .where("provider_run", "is not", null)
    .where("intended_at", ">=", run.intendedAt.getTime() - CLAIMS_LOOKED_BACK_MILLIS)
    .execute();
  return new Set(rows.flatMap((row) => (row.provider_run === null ? [] : [row.provider_run])));
}

const entriesAt = (db: Database, { connectionId, repository }: ProviderPlace) =>
  db
    .selectFrom("workflow_runs")
    .selectAll()
    .where("provider", "=", "github")
    .where("connection_id", "=", connectionId)
    .where(sql<string>`lower(repository)`, "=", repository.toLowerCase());

/** The entries to which a run belongs. */
export async function findRunsOfProvider(
  db: Database,
  place: ProviderPlace,
  providerRun: string,
): Promise<RunEntry[]> {
  const rows = await entriesAt(db, place).where("provider_run", "=", providerRun).execute();
  return rows.map(toEntry);
}

/** Entries of a workflow file that wait for their run to be found. */
export async function findUnlinkedRuns(db: Database, place: ProviderPlace): Promise<RunEntry[]> {
  const waiting = entriesAt(db, place).where("state", "in", ["accepted", "unclear", "lost"]);
  return (await waiting.execute()).map(toEntry);
}
