import * as z from "zod";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { ApiToken, type NewApiToken } from "./api-token.ts";
import { createAttempts, networkOf } from "./attempts.ts";
import { issueToken } from "./issue-token.ts";
import { verifyPassword } from "./password.ts";
import type { User } from "./user.ts";
import { findPasswordHash, findUser } from "./user-store.ts";

const LIFETIME_MILLIS = 30 * 24 * 3_600_000;
const WINDOW_MILLIS = 15 * 60_000;

/**
 * Failed sign-ins: 10 per name and 50 per address (IPv6: per /64) in a quarter of an hour. Kept in memory, so a restart forgets them and
 * each replica counts for itself. An attempt counts from its beginning, so that many at once gain nothing.
 */
const byName = createAttempts(10, WINDOW_MILLIS);
const byAddress = createAttempts(50, WINDOW_MILLIS);

/** Each waits for its turn to be hashed; more of them would only make everybody wait. */
const MOST_AT_ONCE = 100;
let underWay = 0;

const Input = z.object({
  name: z.string().max(128),
  password: z.string().max(256),
  /** What signs in, as the list of tokens shows it: "CLI on build-7". */
  client: ApiToken.shape.name,
});
export type SignIn = z.input<typeof Input>;

/**
 * A token for 30 days in exchange for name and password. An unknown user costs the same time as a wrong password.
 * Throws SIGN_IN_REFUSED, RATE_LIMITED, INPUT_INVALID.
 */
export async function signIn(ctx: Context, input: SignIn): Promise<NewApiToken> {
  const { name, password, client } = parseInput(Input, input);
  if (underWay >= MOST_AT_ONCE)
    throw new DomainError("RATE_LIMITED", "Too many people sign in at this moment; try again in a second", {
      retryAfterSeconds: 1,
    });
  const network = ctx.actor.address === null ? null : networkOf(ctx.actor.address);
  // The address first: one that is refused must not use up anybody's attempts.
  if (network !== null) byAddress.take(network, ctx.now());
  byName.take(name, ctx.now());
  const user = await counted(() => findSigningIn(ctx, name, password));
  byName.giveBack(name);
  if (network !== null) byAddress.giveBack(network);
  return await inTransaction(ctx, async (tx) => {
    const self = { ...tx, actor: { ...tx.actor, name: user.name, userId: user.id } };
    await recordEvent(self, {
      kind: "user.signed_in",
      projectId: null,
      subjectId: user.id,
      after: { client },
    });
    const expiresAt = new Date(tx.now().getTime() + LIFETIME_MILLIS);
    return await issueToken(self, user, { name: client, scopes: ["full"], expiresAt });
  });
}

async function counted<T>(work: () => Promise<T>): Promise<T> {
  underWay += 1;
  try {
    return await work();
  } finally {
    underWay -= 1;
  }
}

async function findSigningIn(ctx: Context, name: string, password: string): Promise<User> {
  const found = await findUser(ctx.db, name);
  // By name only: an id would be a second way round the count of attempts.
  const user = found?.name === name && !found.disabled ? found : null;
  const hash = user && (await findPasswordHash(ctx.db, user.id));
  if ((await verifyPassword(password, hash)) && user) return user;
  ctx.log.warn({ address: ctx.actor.address }, "sign-in refused");
  throw new DomainError("SIGN_IN_REFUSED");
}
