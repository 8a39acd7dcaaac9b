import * as z from "zod";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { requireSystemAdmin } from "./authorize.ts";
import { manageableUser } from "./get-user.ts";
import { hashPassword } from "./password.ts";
import { Password, type User } from "./user.ts";
import { hasSystemAdmin, updateUser } from "./user-store.ts";

const Change = z.object({
  disabled: z.boolean().optional(),
  systemAdmin: z.boolean().optional(),
  /** Null: nobody signs in as this user any more. */
  password: Password.nullable().optional(),
});

export interface ChangeUser {
  /** Id or name. */
  readonly user: string;
  readonly change: z.input<typeof Change>;
}

/**
 * Changes a user's rights or password; what is left out stays. Needs a system admin.
 * Throws USER_NOT_FOUND, USER_LAST_ADMIN, FORBIDDEN, INPUT_INVALID.
 */
export async function changeUser(ctx: Context, input: ChangeUser): Promise<User> {
  requireSystemAdmin(ctx);
  const { disabled, systemAdmin, password } = parseInput(Change, input.change);
  const hash = typeof password === "string" ? await hashPassword(password) : password;
  return await inTransaction(ctx, async (tx) => {
    const before = await manageableUser(tx, input.user);
    const after: User = {
      ...before,
      disabled: disabled ?? before.disabled,
      systemAdmin: systemAdmin ?? before.systemAdmin,
      hasPassword: hash === undefined ? before.hasPassword : hash !== null,
    };
    const hadAdmin = await hasSystemAdmin(tx.db);
    await updateUser(tx.db, after, hash);
    if (hadAdmin && !(await hasSystemAdmin(tx.db)))
      throw new DomainError("USER_LAST_ADMIN", `${before.name} is the last system admin who can sign in`);
    await recordEvent(tx, {
      kind: "user.changed",
      projectId: null,
      subjectId: after.id,
      before,
      after: { ...after, passwordChanged: password !== undefined },
    });
    return after;
  });
}
