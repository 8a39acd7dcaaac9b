import * as z from "zod";
import { type HttpClient, type HttpRules, replyError, systemError } from "../http-client.ts";
import type { HttpReply } from "../http-reply.ts";
import type { RegistrySettings } from "./registry.ts";
import { replyWords } from "./reply-words.ts";
import type { Token } from "./token-cache.ts";

/** What is asked of a token service. */
export interface TokenQuestion {
  readonly realm: URL;
  readonly service: string | null;
  readonly scopes: readonly string[];
  readonly credentials: RegistrySettings["credentials"];
  /** What must not appear in errors. */
  readonly secrets: readonly string[];
}

const MAX_TOKEN_BYTES = 256 * 1024;
/** Used when the service does not say, or says what is no length of time (Docker Registry v2 token specification, `expires_in`). */
const DEFAULT_LIFETIME_SECONDS = 60;

const HeaderText = z.string().regex(/^[\x21-\x7e]+$/);
const TokenReply = z.object({
  token: HeaderText.optional(),
  access_token: HeaderText.optional(),
  expires_in: z.coerce.number().positive().catch(DEFAULT_LIFETIME_SECONDS),
});

/** The value of an Authorization header with user and password. */
export const basicAuthorization = (credentials: { username: string; password: string }): string =>
  `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;

function askByGet(http: HttpClient, rules: HttpRules, question: TokenQuestion): Promise<HttpReply> {
  const url = new URL(question.realm);
  if (question.service !== null) url.searchParams.set("service", question.service);
  for (const scope of question.scopes) url.searchParams.append("scope", scope);
  const { credentials } = question;
  if (credentials) url.searchParams.set("account", credentials.username);
  const headers = credentials ? { authorization: basicAuthorization(credentials) } : {};
  return http.send({ method: "GET", url, rules, headers, followRedirects: true });
}

/** OAuth 2 with the password as grant, for services that refuse GET. */
function askByPost(http: HttpClient, rules: HttpRules, question: TokenQuestion): Promise<HttpReply> {
  const form = new URLSearchParams({
    grant_type: "password",
    client_id: "headgate",
    scope: question.scopes.join(" "),
    username: question.credentials?.username ?? "",
    password: question.credentials?.password ?? "",
    ...(question.service === null ? {} : { service: question.service }),
  });
  const headers = { "content-type": "application/x-www-form-urlencoded" };
  return http.send({ method: "POST", url: question.realm, rules, headers, body: form.toString() });
}

function readToken(bytes: Buffer): Token | null {
  try {
    const reply = TokenReply.parse(JSON.parse(bytes.toString()));
    const value = reply.token ?? reply.access_token;
    return value ? { value, lifetimeSeconds: reply.expires_in } : null;
  } catch {
    return null;
  }
}

/** Gets a token for these scopes: by GET, and by POST where GET is refused with 404 or 405. */
export async function fetchToken(
  http: HttpClient,
  rules: HttpRules,
  question: TokenQuestion,
): Promise<Token> {
  let reply = await askByGet(http, rules, question);
  if (question.credentials && (reply.status === 404 || reply.status === 405)) {
    await reply.discard();
    reply = await askByPost(http, rules, question);
  }
  const asking = `asking ${question.realm.host} for a token`;
  if (reply.status !== 200)
    throw replyError(rules, reply, `${asking}: ${await replyWords(reply, question.secrets)}`);
  const token = readToken(await reply.bytes(MAX_TOKEN_BYTES));
  if (!token) throw systemError(rules, `${asking}: the answer holds no token`);
  return token;
}
