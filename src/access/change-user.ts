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
  const passwordHash = typeof password === "string" ? await hashPassword(password) : password;
  return await inTransaction(ctx, (tx) =>
    changeUserWith(tx, input.user, { disabled, systemAdmin, passwordHash }),
  );
}

/** A change whose password is hashed; what is undefined stays. */
export interface HashedChange {
  readonly disabled?: boolean | undefined;
  readonly systemAdmin?: boolean | undefined;
  readonly passwordHash?: string | null | undefined;
}

/** Writes the change with its event, in the caller's transaction. Throws USER_NOT_FOUND, USER_LAST_ADMIN. */
export async function changeUserWith(tx: Context, idOrName: string, change: HashedChange): Promise<User> {
  const { disabled, systemAdmin, passwordHash: hash } = change;
  const before = await manageableUser(tx, idOrName);
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
    after: { ...after, passwordChanged: hash !== undefined },
  });
  return after;
}
