import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { TestCertificate } from "./certificates.ts";
import { type GitRepository, makeGitRepository } from "./git-repository.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** What the server does to every request in place of an answer. */
export type GitServerFault =
  | { readonly kind: "hang" | "cut" }
  | { readonly kind: "status"; readonly status: number }
  | { readonly kind: "redirect"; readonly to: string }
  /** A true answer, so many bytes ten times a second. */
  | { readonly kind: "trickle"; readonly bytes: number };

/** One request as the server saw it. */
export interface GitServerCall {
  /** `METHOD /path?query` */
  readonly line: string;
  readonly authorization: string | undefined;
  /** Whether the client went before it had the whole answer. */
  abandoned(): boolean;
}

/** Git's own program behind HTTP on loopback, with real repositories. */
export interface GitServer {
  /** Without a slash at the end. */
  readonly url: string;
  readonly host: string;
  readonly calls: readonly GitServerCall[];
  /** Makes an empty repository; `org/name.git`. */
  repository(name: string, hash?: "sha1" | "sha256"): Promise<GitRepository>;
  /** From now on, until null. */
  fault(fault: GitServerFault | null): void;
  /** From now on only who signs in so is answered; null: everybody. */
  requireSignIn(credentials: { readonly username: string; readonly password: string } | null): void;
  /** How many fetches have read the names of branches and tags so far. */
  fetches(): number;
  stop(): Promise<void>;
}

/** The variables of a CGI program (RFC 3875) as git-http-backend(1) reads them. */
function cgiEnvironment(root: string, request: IncomingMessage): Record<string, string | undefined> {
  const [path = "", query = ""] = (request.url ?? "").split("?");
  return {
    PATH: process.env["PATH"],
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_PROJECT_ROOT: root,
    GIT_HTTP_EXPORT_ALL: "1",
    PATH_INFO: decodeURIComponent(path),
    QUERY_STRING: query,
    REQUEST_METHOD: request.method,
    REMOTE_ADDR: "127.0.0.1",
    CONTENT_TYPE: request.headers["content-type"],
    CONTENT_LENGTH: request.headers["content-length"],
    HTTP_CONTENT_ENCODING: request.headers["content-encoding"],
    GIT_PROTOCOL: String(request.headers["git-protocol"] ?? ""),
  };
}

function writeHead(response: ServerResponse, head: string): void {
  const headers = head.split("\r\n").map((line) => line.split(/: (.*)/s, 2) as [string, string]);
  const status = headers.find(([name]) => name === "Status")?.[1] ?? "200";
  const others = headers.filter(([name]) => name !== "Status");
  response.writeHead(Number.parseInt(status, 10), Object.fromEntries(others));
}

async function writeBody(response: ServerResponse, body: Buffer, bytes: number): Promise<void> {
  for (let at = 0; at < body.length && !response.destroyed; at += bytes) {
    response.write(body.subarray(at, at + bytes));
    if (Number.isFinite(bytes)) await setTimeout(100);
  }
}

/** What a CGI program prints, as an answer: a head, an empty line, the body. */
async function answerWith(
  child: ChildProcessWithoutNullStreams,
  response: ServerResponse,
  bytes: number,
): Promise<void> {
  let before = Buffer.alloc(0);
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) {
    if (response.headersSent) {
      await writeBody(response, chunk, bytes);
      continue;
    }
    before = Buffer.concat([before, chunk]);
    const end = before.indexOf("\r\n\r\n");
    if (end < 0) continue;
    writeHead(response, before.subarray(0, end).toString());
    response.flushHeaders();
    await writeBody(response, before.subarray(end + 4), bytes);
  }
  if (!response.destroyed) response.end();
}

function answerFault(fault: GitServerFault, request: IncomingMessage, response: ServerResponse): boolean {
  if (fault.kind === "trickle") return false;
  if (fault.kind === "cut") request.socket.destroy();
  if (fault.kind === "status") response.writeHead(fault.status).end();
  if (fault.kind === "redirect") response.writeHead(302, { location: fault.to + request.url }).end();
  return true;
}

/** Starts it on a free port of loopback; over https with a certificate. */
export async function startGitServer(certificate?: TestCertificate): Promise<GitServer> {
  const folder = await temporaryDirectory();
  const calls: GitServerCall[] = [];
  const children = new Set<ChildProcessWithoutNullStreams>();
  let fault: GitServerFault | null = null;
  let wanted: string | null = null;

  const handle: RequestListener = (request, response) => {
    const { authorization } = request.headers;
    calls.push({
      line: `${request.method} ${request.url}`,
      authorization,
      abandoned: () => response.destroyed && !response.writableFinished,
    });
    if (fault && answerFault(fault, request, response)) return;
    if (wanted !== null && authorization !== wanted)
      return void response.writeHead(401, { "www-authenticate": 'Basic realm="test"' }).end();
    const child = spawn("git", ["http-backend"], { env: cgiEnvironment(folder.path, request) });
    children.add(child.once("close", () => children.delete(child)));
    response.once("close", () => child.kill("SIGKILL"));
    child.stdin.on("error", () => {});
    request.pipe(child.stdin);
    void answerWith(child, response, fault?.kind === "trickle" ? fault.bytes : Infinity);
  };

  const server = certificate
    ? createTlsServer({ key: certificate.keyPem, cert: certificate.certificatePem }, handle)
    : createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const url = `${certificate ? "https" : "http"}://${host}`;
  return {
    url,
    host,
    calls,
    repository: (name, hash) =>
      makeGitRepository({ name, path: join(folder.path, name), url: new URL(`${url}/${name}`) }, hash),
    fault: (next) => void (fault = next),
    requireSignIn: (credentials) => {
      const basic = `${credentials?.username}:${credentials?.password}`;
      wanted = credentials ? `Basic ${Buffer.from(basic).toString("base64")}` : null;
    },
    fetches: () => calls.filter(({ line }) => line.includes("/info/refs?")).length,
    stop: async () => {
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      for (const child of children) child.kill("SIGKILL");
      await closed;
      await folder.remove();
    },
  };
}
