import type { Context } from "../context.ts";
import type { CursorPage, CursorRequest } from "../kernel/page.ts";
import { requireSystemAdmin } from "./authorize.ts";
import type { User } from "./user.ts";
import { listUsers as readUsers } from "./user-store.ts";

/** All users, newest first. Needs a system admin. Throws FORBIDDEN. */
export async function listUsers(ctx: Context, page: CursorRequest): Promise<CursorPage<User>> {
  requireSystemAdmin(ctx);
  return await readUsers(ctx.db, page);
}
