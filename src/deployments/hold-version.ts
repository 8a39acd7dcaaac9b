import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import { newId } from "../kernel/id.ts";
import type { Deployment } from "./deployment.ts";
import type { Hold } from "./hold.ts";
import { insertHold } from "./hold-store.ts";

/** Keeps automation from deploying again what a rollback leaves, in its transaction. A version that is held stays so. */
export async function holdVersion(
  tx: Context,
  environment: Environment,
  left: Deployment,
  rollback: Deployment,
): Promise<void> {
  const now = tx.now();
  const hold: Hold = {
    id: newId(now),
    projectId: environment.projectId,
    environmentId: environment.id,
    version: left.version,
    reason: `rolled back to ${rollback.version} by ${tx.actor.name} (deployment ${rollback.number})`,
    createdBy: tx.actor.name,
    createdAt: now,
  };
  if (left.version === rollback.version || !(await insertHold(tx.db, hold))) return;
  await recordEvent(tx, {
    kind: "hold.created",
    projectId: hold.projectId,
    subjectId: hold.id,
    after: { ...hold, environment: environment.name },
  });
}
