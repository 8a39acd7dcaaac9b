import { recordEvents } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import { inBlocks } from "../storage/in-blocks.ts";
import { type Deployment, isQueued } from "./deployment.ts";
import { addAllToHistory } from "./deployment-history-store.ts";
import { endUnstarted } from "./deployment-store.ts";

/**
 * Calls off those of these deployments that wait for their turn, in the caller's transaction, which has locked the environment: there
 * may be many, and nobody has to be asked. Returns the others.
 */
export async function cancelWaiting(
  tx: Context,
  environment: Environment,
  deployments: readonly Deployment[],
  message: string,
): Promise<readonly Deployment[]> {
  const at = tx.now();
  for (const block of inBlocks(deployments.filter(isQueued))) {
    const numbers = block.map(({ number }) => number);
    await endUnstarted(tx.db, numbers, { error: message, at });
    const entry = { status: "canceled", source: "headgate", actorName: tx.actor.name, message, at } as const;
    await addAllToHistory(tx.db, numbers, entry).execute();
    await recordEvents(
      tx,
      block.map(({ id, number, projectId, status, version }) => ({
        kind: "deployment.canceled",
        projectId,
        subjectId: id,
        before: { status },
        after: {
          number,
          environment: environment.name,
          version,
          status: "canceled",
          source: "headgate",
          message,
        },
      })),
    );
  }
  return deployments.filter((one) => !isQueued(one));
}
