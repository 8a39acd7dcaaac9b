import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { newId } from "../kernel/id.ts";
import { type ApiToken, type NewApiToken, tokenText } from "./api-token.ts";
import { insertToken } from "./api-token-store.ts";
import { hashSecret, newSecret } from "./secret-hash.ts";
import type { User } from "./user.ts";

/** A new token for this user, with its event, in the caller's transaction. The caller has checked every right. */
export async function issueToken(
  tx: Context,
  owner: User,
  terms: Pick<ApiToken, "name" | "scopes" | "expiresAt">,
): Promise<NewApiToken> {
  const now = tx.now();
  const secret = newSecret();
  const token: ApiToken = {
    id: newId(now),
    userId: owner.id,
    userName: owner.name,
    ...terms,
    lastUsedAt: null,
    revokedAt: null,
    createdAt: now,
  };
  await insertToken(tx.db, token, hashSecret(secret));
  await recordEvent(tx, { kind: "token.created", projectId: null, subjectId: token.id, after: token });
  return { token, text: tokenText(token.id, secret) };
}
