import type { Database } from "../storage/database.ts";
import type { Tier } from "../environments/tier.ts";

/** Which environments; null leaves all. */
export interface Places {
  readonly projectId: string | null;
  readonly tier: Tier | null;
  readonly environmentId: string | null;
}

/** The environments in which deployments wait to be started, by id. */
export async function environmentsThatWait(db: Database, places: Places): Promise<string[]> {
  const { projectId, tier, environmentId } = places;
  const rows = await db
    .selectFrom("environments as environment")
    .select("environment.id")
    .$if(projectId !== null, (query) => query.where("environment.project_id", "=", projectId ?? ""))
    .$if(tier !== null, (query) => query.where("environment.tier", "=", tier ?? ""))
    .$if(environmentId !== null, (query) => query.where("environment.id", "=", environmentId ?? ""))
    .where("environment.workflow_id", "is not", null)
    .where((row) =>
      row.exists(
        row
          .selectFrom("deployments as deployment")
          .select("deployment.number")
          .whereRef("deployment.environment_id", "=", "environment.id")
          .where("deployment.ours", "=", 1)
          .where("deployment.status", "=", "pending")
          .where("deployment.started", "=", 0),
      ),
    )
    .orderBy("environment.id")
    .execute();
  return rows.map((row) => row.id);
}
