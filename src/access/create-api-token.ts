import * as z from "zod";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { ApiToken, type NewApiToken } from "./api-token.ts";
import { requireSystemAdmin } from "./authorize.ts";
import { knownUser, manageableUser } from "./get-user.ts";
import { issueToken } from "./issue-token.ts";
import { holdsAll, latestEnd } from "./token-rights.ts";
import type { User } from "./user.ts";

const Input = z.object({
  name: ApiToken.shape.name,
  scopes: ApiToken.shape.scopes,
  /** Null: never. */
  expiresAt: z.date().nullable().default(null),
  /** Whose it will be, by id or name; left out: the actor's own. Only a system admin makes others' tokens. */
  user: z.string().optional(),
});
export type CreateApiToken = z.input<typeof Input>;

/**
 * Makes a token; its text is in the reply and nowhere else. It never allows more than its maker's own token and roles do,
 * and does not outlive a maker's token that is cut down by scopes.
 * Throws FORBIDDEN, USER_NOT_FOUND, INPUT_INVALID.
 */
export async function createApiToken(ctx: Context, input: CreateApiToken): Promise<NewApiToken> {
  const { name, scopes, expiresAt, user } = parseInput(Input, input);
  if (expiresAt !== null && expiresAt <= ctx.now())
    throw new DomainError("INPUT_INVALID", "expiresAt: must be in the future");
  return await inTransaction(ctx, async (tx) => {
    const owner = await findOwner(tx, user);
    if (!(await holdsAll(tx, scopes)))
      throw new DomainError("FORBIDDEN", "A token cannot allow more than its maker may do", { scopes });
    const end = await latestEnd(tx);
    if (end !== null && (expiresAt === null || expiresAt > end))
      throw new DomainError(
        "FORBIDDEN",
        `A token with scopes makes none that outlives it: expiresAt must be ${end.toISOString()} at the latest`,
      );
    return await issueToken(tx, owner, { name, scopes: [...new Set(scopes)], expiresAt });
  });
}

async function findOwner(ctx: Context, idOrName: string | undefined): Promise<User> {
  const { userId } = ctx.actor;
  if (idOrName === undefined) {
    if (userId === null)
      throw new DomainError(
        "INPUT_INVALID",
        "user: say whose token it will be; the admin token belongs to no user",
      );
    return await knownUser(ctx, userId);
  }
  if (idOrName !== userId && idOrName !== ctx.actor.name) requireSystemAdmin(ctx);
  const owner = await manageableUser(ctx, idOrName);
  if (owner.id !== userId) requireSystemAdmin(ctx);
  if (owner.disabled) throw new DomainError("INPUT_INVALID", `user: ${owner.name} is disabled`);
  return owner;
}
