import { type Context, inTransaction } from "../context.ts";
import { hashSecret, newSecret } from "./secret-hash.ts";
import { replaceLinks } from "./sign-up-store.ts";
import { hasSystemAdmin } from "./user-store.ts";

const LIFETIME_MILLIS = 24 * 3_600_000;

/**
 * At start: the secret of a sign-up link that makes the first system admin, good once and for 24 hours; it voids the links
 * of earlier starts. Null when there is a system admin who can sign in.
 */
export const openSignUp = (ctx: Context): Promise<string | null> =>
  inTransaction(ctx, async (tx) => {
    if (await hasSystemAdmin(tx.db)) return null;
    const secret = newSecret();
    await replaceLinks(tx.db, hashSecret(secret), new Date(tx.now().getTime() + LIFETIME_MILLIS));
    return secret;
  });
