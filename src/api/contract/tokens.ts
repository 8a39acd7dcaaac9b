import * as z from "zod";
import { ApiToken } from "../../access/api-token.ts";
import { Id } from "../../kernel/id.ts";
import { Instant } from "../../kernel/time.ts";
import { type Endpoint, listOf, Nothing, PageQuery } from "./endpoint.ts";

const TokenReply = ApiToken.meta({ id: "Token" });
const WhoseToken = z.string().min(1).max(128).optional();

export const NewToken = z
  .object({
    token: TokenReply,
    text: z.string().nullable().describe("the token itself, shown this once; null when a reply is replayed"),
  })
  .meta({ id: "NewToken" });

export const CreateToken = {
  method: "POST",
  path: "/v1/tokens",
  concept: "tokens",
  summary: "Make a token that allows at most what its maker may do",
  body: z.strictObject({
    name: ApiToken.shape.name.describe("what it is for"),
    scopes: ApiToken.shape.scopes.describe("full, a role (in every project), or <project>:<role>"),
    expiresAt: Instant.nullable().default(null).describe("null: never"),
    user: WhoseToken.describe("whose it will be, by id or name; yours when left out"),
  }),
  status: 201,
  reply: NewToken,
  idempotent: { secret: "text" },
} as const satisfies Endpoint;

export const ListTokens = {
  method: "GET",
  path: "/v1/tokens",
  concept: "tokens",
  summary: "List your tokens, newest first; a system admin sees everybody's",
  query: PageQuery.extend({ user: WhoseToken.describe("whose, by id or name") }),
  status: 200,
  reply: listOf(TokenReply),
} as const satisfies Endpoint;

export const RevokeToken = {
  method: "DELETE",
  path: "/v1/tokens/:token",
  concept: "tokens",
  summary: "End a token at once",
  params: z.object({ token: Id }),
  status: 204,
  reply: Nothing,
} as const satisfies Endpoint;
