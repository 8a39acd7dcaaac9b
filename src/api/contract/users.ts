import * as z from "zod";
import { Password, User, UserName } from "../../access/user.ts";
import { type Endpoint, listOf, PageQuery } from "./endpoint.ts";

export const UserInPath = z.object({ user: z.string().min(1).max(128).describe("the user's id or name") });

const UserReply = User.meta({ id: "User" });

/** Without Idempotency-Key: the name is unique, and a password is hashed before the transaction. */
export const CreateUser = {
  method: "POST",
  path: "/v1/users",
  concept: "users",
  summary: "Make a user; without a password it works through tokens (system admins)",
  body: z.strictObject({
    name: UserName,
    password: Password.nullable().default(null),
    systemAdmin: z.boolean().default(false),
  }),
  status: 201,
  reply: UserReply,
} as const satisfies Endpoint;

export const ListUsers = {
  method: "GET",
  path: "/v1/users",
  concept: "users",
  summary: "List all users, newest first (system admins)",
  query: PageQuery,
  status: 200,
  reply: listOf(UserReply),
} as const satisfies Endpoint;

export const GetUser = {
  method: "GET",
  path: "/v1/users/:user",
  concept: "users",
  summary: "Show one user (system admins)",
  params: UserInPath,
  status: 200,
  reply: UserReply,
} as const satisfies Endpoint;

export const ChangeUser = {
  method: "PATCH",
  path: "/v1/users/:user",
  concept: "users",
  summary: "Change a user's password or rights; what is left out stays (system admins)",
  params: UserInPath,
  body: z.strictObject({
    disabled: z.boolean().optional(),
    systemAdmin: z.boolean().optional(),
    password: Password.nullable().optional().describe("null: nobody signs in as this user any more"),
  }),
  status: 200,
  reply: UserReply,
} as const satisfies Endpoint;
