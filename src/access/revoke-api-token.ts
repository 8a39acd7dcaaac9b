import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { findToken, markRevoked } from "./api-token-store.ts";
import { tokenCovers } from "./token-rights.ts";

/**
 * Ends a token at once; one that is revoked already stays so. Everybody revokes their own, with a token that allows as much;
 * a system admin revokes any. Throws TOKEN_NOT_FOUND, FORBIDDEN.
 */
export async function revokeApiToken(ctx: Context, id: string): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const token = await findToken(tx.db, id);
    if (!token || !(ctx.actor.systemAdmin || token.userId === ctx.actor.userId))
      throw new DomainError("TOKEN_NOT_FOUND", `Unknown token ${id}`);
    if (!ctx.actor.systemAdmin && !(await tokenCovers(tx, token.scopes)))
      throw new DomainError("FORBIDDEN", "A token cannot revoke one that allows more");
    const now = tx.now();
    if (!(await markRevoked(tx.db, id, now))) return;
    const after = { ...token, revokedAt: now };
    await recordEvent(tx, { kind: "token.revoked", projectId: null, subjectId: id, before: token, after });
  });
}
