import * as z from "zod";
import { ApiToken } from "../../access/api-token.ts";
import { Role } from "../../access/role.ts";
import type { Endpoint } from "./endpoint.ts";
import { NewToken } from "./tokens.ts";

export const SignIn = {
  method: "POST",
  path: "/v1/sign-in",
  concept: "sign-in",
  summary: "Get a token for 30 days in exchange for name and password",
  body: z.strictObject({
    name: z.string().max(128),
    password: z.string().max(256),
    client: ApiToken.shape.name.default("API").describe("what signs in, as the list of tokens shows it"),
  }),
  status: 201,
  reply: NewToken,
  open: true,
} as const satisfies Endpoint;

export const WhoAmI = {
  method: "GET",
  path: "/v1/whoami",
  concept: "sign-in",
  summary: "Show who your token makes you, and what it allows",
  status: 200,
  reply: z
    .object({
      name: z.string(),
      userId: z.string().nullable(),
      tokenId: z.string().nullable(),
      systemAdmin: z.boolean(),
      roles: z.array(z.object({ project: z.string(), role: Role })).readonly(),
    })
    .meta({ id: "WhoAmI" }),
} as const satisfies Endpoint;
