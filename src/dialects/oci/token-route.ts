import type { FastifyReply, FastifyRequest } from "fastify";
import type { Authenticate } from "../../access/authenticate.ts";
import type { Context } from "../../context.ts";
import { DomainError } from "../../kernel/errors.ts";
import { createRegistryToken } from "../../repositories/create-registry-token.ts";
import {
  readScopes,
  REGISTRY_TOKEN_LIFETIME_SECONDS,
  REGISTRY_TOKEN_PREFIX,
} from "../../repositories/registry-token.ts";
import { identify, readCredential } from "./authenticate.ts";
import { OciError } from "./errors.ts";
import { queryOf, readBytes } from "./read.ts";
import { SERVICE } from "./wire.ts";

const FORM_MAX_BYTES = 64 * 1024;

/** What a client asks a token for, and with what. */
interface Question {
  readonly credential: string | null;
  readonly scopes: readonly string[];
}

/** Distribution token specification, "Requesting a Token": GET with Basic. */
const readGet = (request: FastifyRequest): Question => ({
  credential: readCredential(request.headers.authorization),
  scopes: queryOf(request).getAll("scope"),
});

/** Distribution token specification, "Authenticate using OAuth2": a form; the password is an api token. */
async function readPost(request: FastifyRequest): Promise<Question> {
  const form = new URLSearchParams((await readBytes(request, FORM_MAX_BYTES)).toString());
  const field = form.get("grant_type");
  if (field !== "password" && field !== "refresh_token")
    throw new OciError(400, "UNSUPPORTED", "grant_type must be password or refresh_token");
  return { credential: form.get(field), scopes: form.getAll("scope") };
}

/** Makes a token out of the caller's api token. A registry token makes no other: its 5 minutes would never end. */
export async function answerToken(
  ctx: Context,
  authenticate: Authenticate,
  request: FastifyRequest,
  reply: FastifyReply,
): Promise<FastifyReply> {
  const isPost = request.method === "POST";
  if (!isPost && request.method !== "GET")
    throw new OciError(405, "UNSUPPORTED", "Ask for a token by GET or POST");
  const { credential, scopes } = isPost ? await readPost(request) : readGet(request);
  if (credential === null || credential.startsWith(REGISTRY_TOKEN_PREFIX))
    throw new DomainError("UNAUTHENTICATED", "Show a Headgate token as the password; any user name will do");
  await identify(ctx, authenticate, request, credential);
  const { text, issuedAt } = createRegistryToken(ctx, { apiToken: credential, access: readScopes(scopes) });
  return reply.header("cache-control", "no-store").send({
    ...(isPost ? { token_type: "Bearer", scope: scopes.join(" ") } : { token: text }),
    access_token: text,
    expires_in: REGISTRY_TOKEN_LIFETIME_SECONDS,
    issued_at: issuedAt.toISOString(),
    service: SERVICE,
  });
}
