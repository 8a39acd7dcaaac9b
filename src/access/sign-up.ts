import * as z from "zod";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { addUser } from "./create-user.ts";
import { hashPassword } from "./password.ts";
import { hashSecret } from "./secret-hash.ts";
import { isLinkOpen, useLink } from "./sign-up-store.ts";
import { Password, type User, UserName } from "./user.ts";
import { hasSystemAdmin } from "./user-store.ts";

const Input = z.object({ secret: z.string().max(200), name: UserName, password: Password });
export type SignUp = z.input<typeof Input>;

/** Makes the first system admin, by the link that the first start printed. Throws SIGN_UP_CLOSED, USER_EXISTS, INPUT_INVALID. */
export async function signUp(ctx: Context, input: SignUp): Promise<User> {
  const { secret, name, password } = parseInput(Input, input);
  const link = hashSecret(secret);
  // Before the hash of the password, which costs much: strangers get no work out of us.
  if (!(await isLinkOpen(ctx.db, link, ctx.now()))) throw new DomainError("SIGN_UP_CLOSED");
  const hash = await hashPassword(password);
  return await inTransaction(ctx, async (tx) => {
    if (!(await useLink(tx.db, link, tx.now())) || (await hasSystemAdmin(tx.db)))
      throw new DomainError("SIGN_UP_CLOSED");
    const self = { ...tx, actor: { ...tx.actor, name } };
    return await addUser(self, { name, systemAdmin: true }, hash);
  });
}
