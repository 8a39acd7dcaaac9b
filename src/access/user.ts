import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

/** The user that the program itself works as when it speaks to its own registry. Nobody signs in as it. */
export const INTERNAL_USER = "headgate";

const RESERVED: ReadonlySet<string> = new Set(["system", "anonymous", INTERNAL_USER]);

/** Unlike an id, so that one text can stand for either. */
export const UserName = z
  .string()
  .max(128)
  .regex(
    /^[\p{L}\p{N}](?:[\p{L}\p{N} ._@+-]*[\p{L}\p{N}])?$/u,
    "must be letters, digits, blanks and . _ @ + -, and begin and end with a letter or digit",
  )
  .refine((name) => !RESERVED.has(name.toLowerCase()), "is the program's own")
  .refine((name) => !Id.safeParse(name).success, "must not look like an id");

/** Long enough to resist guessing; not longer than hashing should be made to read. */
export const Password = z.string().min(10).max(256);

/** A person or a machine with an account. */
export const User = z.object({
  id: Id,
  name: z.string(),
  systemAdmin: z.boolean(),
  /** A disabled user's password and tokens are refused. */
  disabled: z.boolean(),
  /** Without one nobody can sign in as this user; tokens work. */
  hasPassword: z.boolean(),
  createdAt: Instant,
});
export type User = z.output<typeof User>;
