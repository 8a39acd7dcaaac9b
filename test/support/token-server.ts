import { randomUUID, sign } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { makeCertificate, type TestCertificate } from "./certificates.ts";

/** One request for a token, as the server saw it. */
export interface TokenRequest {
  readonly method: string;
  readonly scopes: readonly string[];
  /** The user who proved the password; null for anonymous. */
  readonly username: string | null;
}

/** A stand-in for a registry's token service: RS256 JSON web tokens with the certificate in `x5c`. */
export interface TokenServer {
  readonly host: string;
  readonly realm: string;
  readonly service: string;
  readonly issuer: string;
  readonly certificate: TestCertificate;
  readonly requests: readonly TokenRequest[];
  stop(): Promise<void>;
}

export interface TokenServerOptions {
  readonly username: string;
  readonly password: string;
  /** How long tokens live; 300 when not given. */
  readonly lifetimeSeconds?: number;
  /** Answer GET with 405, as servers do that only speak OAuth2. */
  readonly oauthOnly?: boolean;
  /** Let callers without credentials pull. */
  readonly anonymousPull?: boolean;
}

const SERVICE = "test-registry";
const ISSUER = "test-issuer";
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

/** Who asks for what: user and password as shown, scopes one by one. */
interface Question {
  readonly shown: readonly [string, string] | null;
  readonly scopes: readonly string[];
}

const scopesOf = (query: URLSearchParams): string[] =>
  query.getAll("scope").flatMap((scope) => scope.split(" ").filter(Boolean));

async function readPost(request: IncomingMessage): Promise<Question> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const form = new URLSearchParams(Buffer.concat(chunks).toString());
  return { shown: [form.get("username") ?? "", form.get("password") ?? ""], scopes: scopesOf(form) };
}

function basicUser(header: string | undefined): readonly [string, string] | null {
  if (!header?.startsWith("Basic ")) return null;
  const text = Buffer.from(header.slice(6), "base64").toString();
  const colon = text.indexOf(":");
  return [text.slice(0, colon), text.slice(colon + 1)];
}

function readGet(request: IncomingMessage): Question {
  const query = new URL(request.url ?? "/", "http://token.invalid").searchParams;
  return { shown: basicUser(request.headers.authorization), scopes: scopesOf(query) };
}

function accessOf(scopes: readonly string[], pullOnly: boolean): object[] {
  return scopes.map((scope) => {
    const [type, ...rest] = scope.split(":");
    const actions = (rest.pop() ?? "").split(",");
    return {
      type,
      name: rest.join(":"),
      actions: pullOnly ? actions.filter((one) => one === "pull") : actions,
    };
  });
}

function makeToken(certificate: TestCertificate, access: object[], lifetimeSeconds: number): string {
  const now = Math.floor(Date.now() / 1000);
  const header = { typ: "JWT", alg: "RS256", x5c: [certificate.certificateDer.toString("base64")] };
  const claims = {
    iss: ISSUER,
    aud: SERVICE,
    sub: "test",
    iat: now,
    nbf: now - 5,
    exp: now + lifetimeSeconds,
  };
  const content = `${base64url(header)}.${base64url({ ...claims, jti: randomUUID(), access })}`;
  return `${content}.${sign("sha256", Buffer.from(content), certificate.key).toString("base64url")}`;
}

/** Starts the token server on a free loopback port. */
export async function startTokenServer(options: TokenServerOptions): Promise<TokenServer> {
  const certificate = makeCertificate(ISSUER);
  const requests: TokenRequest[] = [];
  const lifetimeSeconds = options.lifetimeSeconds ?? 300;

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const answer = (status: number, body: object): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const isPost = request.method === "POST";
    if (!isPost && options.oauthOnly) return answer(405, { error: "method not allowed" });
    const { shown, scopes } = isPost ? await readPost(request) : readGet(request);
    const known = shown !== null && shown[0] === options.username && shown[1] === options.password;
    requests.push({ method: request.method ?? "", scopes, username: known ? shown[0] : null });
    if (!known && (shown !== null || !options.anonymousPull)) {
      return answer(401, { errors: [{ code: "UNAUTHORIZED", message: "incorrect username or password" }] });
    }
    const token = makeToken(certificate, accessOf(scopes, !known), lifetimeSeconds);
    answer(200, { ...(isPost ? { access_token: token } : { token }), expires_in: lifetimeSeconds });
  };

  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    host,
    realm: `http://${host}/token`,
    service: SERVICE,
    issuer: ISSUER,
    certificate,
    requests,
    stop: () => new Promise((resolve) => server.close(() => resolve()).closeAllConnections()),
  };
}
