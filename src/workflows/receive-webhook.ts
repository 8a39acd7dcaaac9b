import { findConnection, findSecret } from "../connections/connection-store.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { findRunsOfProvider, findUnlinkedRuns } from "./provider-run-store.ts";
import { wakeRun } from "./wake-run.ts";

/** A delivery as it came in. */
export interface ReceiveWebhook {
  /** The connection's id or name, from the address. */
  readonly connection: string;
  readonly event: string;
  readonly signature: string | null;
  readonly rawBody: Uint8Array;
}

/**
 * Has the run looked at that a delivery names, and those of its repository that are still looked for. What a delivery says of
 * the run does not count: deliveries come late, twice, out of order or never. How many were woken.
 * Throws UNAUTHENTICATED: unknown connection, no secret, or a wrong signature, which nobody is told apart.
 */
export async function receiveWebhook(ctx: Context, input: ReceiveWebhook): Promise<number> {
  const connection = await findConnection(ctx.db, input.connection);
  const { sealedWebhookSecret } = await findSecret(ctx.db, connection?.id ?? "");
  if (connection?.kind !== "github" || sealedWebhookSecret === null) throw refused();
  const named = ctx.connectors.ciProviders.readGithubWebhook({
    secret: ctx.secrets.open(sealedWebhookSecret, connection.id),
    rawBody: input.rawBody,
    signature: input.signature,
    event: input.event,
  });
  if (named === "forged") throw refused();
  if (named === null) return 0;
  return await inTransaction(ctx, async (tx) => {
    const place = { connectionId: connection.id, repository: named.repository };
    const runs = [
      ...(await findRunsOfProvider(tx.db, place, named.run)),
      ...(await findUnlinkedRuns(tx.db, place)),
    ];
    for (const run of runs) await wakeRun(tx, run);
    return runs.length;
  });
}

const refused = (): DomainError => new DomainError("UNAUTHENTICATED", "The signature is not valid");
