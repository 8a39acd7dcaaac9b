import type { Context } from "../context.ts";
import { retireTokens } from "./api-token-store.ts";
import { addUser } from "./create-user.ts";
import { issueToken } from "./issue-token.ts";
import { INTERNAL_USER } from "./user.ts";
import { findUser } from "./user-store.ts";

/** How long the token of an earlier start, or of another replica, still works. */
const GRACE_MILLIS = 3_600_000;

/**
 * A new token with which the program speaks to its own registry as the user `headgate`, in the caller's transaction: it
 * pulls and pushes in every project, and can do nothing else, for it goes over the network. Earlier ones end within the hour, so that copies under way come to their end.
 */
export async function renewInternalToken(tx: Context): Promise<string> {
  const user =
    (await findUser(tx.db, INTERNAL_USER)) ??
    (await addUser(tx, { name: INTERNAL_USER, systemAdmin: true }, null));
  const now = tx.now();
  await retireTokens(tx.db, user.id, now, new Date(now.getTime() + GRACE_MILLIS));
  const { text } = await issueToken(tx, user, {
    name: "registry inside",
    scopes: ["releaser"],
    expiresAt: null,
  });
  return text;
}
