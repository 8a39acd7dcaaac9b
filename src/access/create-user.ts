import * as z from "zod";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { requireSystemAdmin } from "./authorize.ts";
import { hashPassword } from "./password.ts";
import { Password, type User, UserName } from "./user.ts";
import { insertUser } from "./user-store.ts";

const Input = z.object({
  name: UserName,
  /** Null: nobody signs in as this user, it works through tokens. */
  password: Password.nullable().default(null),
  systemAdmin: z.boolean().default(false),
});
export type CreateUser = z.input<typeof Input>;

/** Makes a user. Needs a system admin. Throws USER_EXISTS, FORBIDDEN, INPUT_INVALID. */
export async function createUser(ctx: Context, input: CreateUser): Promise<User> {
  requireSystemAdmin(ctx);
  const { name, password, systemAdmin } = parseInput(Input, input);
  const hash = password === null ? null : await hashPassword(password);
  return await inTransaction(ctx, (tx) => addUser(tx, { name, systemAdmin }, hash));
}

/** Writes a new user with its event, in the caller's transaction. Throws USER_EXISTS. */
export async function addUser(
  tx: Context,
  terms: Pick<User, "name" | "systemAdmin">,
  passwordHash: string | null,
): Promise<User> {
  const now = tx.now();
  const user: User = {
    id: newId(now),
    name: terms.name,
    systemAdmin: terms.systemAdmin,
    disabled: false,
    hasPassword: passwordHash !== null,
    createdAt: now,
  };
  if (!(await insertUser(tx.db, user, passwordHash)))
    throw new DomainError("USER_EXISTS", `A user named ${user.name} exists`);
  await recordEvent(tx, { kind: "user.created", projectId: null, subjectId: user.id, after: user });
  return user;
}
