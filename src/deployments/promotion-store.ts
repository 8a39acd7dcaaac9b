import type { Database } from "../storage/database.ts";
import type { Deployable } from "./deployable.ts";

/**
 * True when exactly this succeeded in the environment, and no rollback has left it there since. A release without candidates
 * that was deleted and made again is another one, though its version is the same.
 */
export async function succeededAndStayed(
  db: Database,
  environmentId: string,
  { version, candidate, content }: Deployable,
): Promise<boolean> {
  const success = await db
    .selectFrom("deployments")
    .select("environment_number")
    .where("environment_id", "=", environmentId)
    .where("version", "=", version)
    .where("status", "=", "success")
    .$if(candidate === null, (query) => query.where("content_id", "=", content?.id ?? ""))
    .orderBy("environment_number", "desc")
    .limit(1)
    .executeTakeFirst();
  if (!success) return false;
  const left = await db
    .selectFrom("deployments")
    .select("number")
    .where("environment_id", "=", environmentId)
    .where("environment_number", ">", success.environment_number)
    .where("kind", "=", "rollback")
    .where("from_version", "=", version)
    // One that was called off before it began has left nothing.
    .where((row) => row.not(row.and([row("status", "=", "canceled"), row("started", "=", 0)])))
    .limit(1)
    .executeTakeFirst();
  return left === undefined;
}
