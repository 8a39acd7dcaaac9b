import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { CursorPage, CursorRequest } from "../kernel/page.ts";
import type { ApiToken } from "./api-token.ts";
import { listTokens } from "./api-token-store.ts";
import { getUser } from "./get-user.ts";

export interface ListApiTokens {
  /** Whose, by id or name; left out: the actor's own, and everybody's for a system admin. */
  readonly user?: string | undefined;
  readonly page: CursorRequest;
}

/** Tokens without their secrets, newest first. Throws USER_NOT_FOUND, FORBIDDEN. */
export async function listApiTokens(ctx: Context, input: ListApiTokens): Promise<CursorPage<ApiToken>> {
  const { userId, name, systemAdmin } = ctx.actor;
  const own =
    input.user === undefined ? !systemAdmin : userId !== null && [userId, name].includes(input.user);
  if (!own) {
    const user = input.user === undefined ? null : await getUser(ctx, input.user);
    return await listTokens(ctx.db, user && user.id, input.page);
  }
  if (userId === null) throw new DomainError("FORBIDDEN");
  return await listTokens(ctx.db, userId, input.page);
}
