import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { requireSystemAdmin } from "./authorize.ts";
import { INTERNAL_USER, type User } from "./user.ts";
import { findUser } from "./user-store.ts";

/** The user with this id or name. Needs a system admin. Throws USER_NOT_FOUND, FORBIDDEN. */
export async function getUser(ctx: Context, idOrName: string): Promise<User> {
  requireSystemAdmin(ctx);
  return await knownUser(ctx, idOrName);
}

/** The user with this id or name, for a use case that has checked its own right. Throws USER_NOT_FOUND. */
export async function knownUser(ctx: Context, idOrName: string): Promise<User> {
  const user = await findUser(ctx.db, idOrName);
  if (!user) throw new DomainError("USER_NOT_FOUND", `Unknown user ${idOrName}`);
  return user;
}

/** As `knownUser`, for what nobody may do to the program's own user. Throws USER_NOT_FOUND, INPUT_INVALID. */
export async function manageableUser(ctx: Context, idOrName: string): Promise<User> {
  const user = await knownUser(ctx, idOrName);
  if (user.name === INTERNAL_USER)
    throw new DomainError("INPUT_INVALID", `The user ${INTERNAL_USER} is the program's own`);
  return user;
}
