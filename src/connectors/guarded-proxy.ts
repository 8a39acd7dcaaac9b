import { randomBytes } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { Duplex } from "node:stream";
import { type ConnectRules, guardedTunnel } from "./guarded-connect.ts";

// An `import` of node:http would load all of Node's own WebSocket and fetch with it.
const { createServer, request: sendRequest } = process.getBuiltinModule("node:http");

/** The right of one program to reach one host for a while. */
export interface ProxyPass {
  /** The proxy's address, with the pass's secret as its password. */
  readonly url: string;
  /** What the last connection that could not be opened failed with; null when all could. */
  failure(): unknown;
  /** Ends the right and cuts its connections. */
  end(): void;
}

/** A proxy on loopback for programs that open their sockets themselves: whoever has a pass reaches one origin. */
export interface GuardedProxy {
  admit(target: URL, rules: ConnectRules): Promise<ProxyPass>;
  close(): Promise<void>;
}

interface Admitted {
  readonly target: URL;
  readonly dial: (url: URL) => Promise<Socket>;
  readonly sockets: Set<Duplex>;
  failure: unknown;
}

const USER = "headgate";
/** Those of one connection alone (RFC 9110, section 7.6.1), and the pass. */
const OWN_HEADERS = new Set([
  "connection",
  "proxy-connection",
  "proxy-authorization",
  "keep-alive",
  "upgrade",
]);

const authorityOf = (url: URL): string =>
  `${url.hostname}:${url.port || (url.protocol === "https:" ? 443 : 80)}`;

/** Remembers a socket for as long as it is open, and lets no failure of it go unheard. */
function hold(admitted: Admitted, socket: Duplex): void {
  admitted.sockets.add(socket);
  socket.on("error", () => socket.destroy()).once("close", () => admitted.sockets.delete(socket));
}

async function dial(admitted: Admitted): Promise<Socket | null> {
  try {
    const socket = await admitted.dial(admitted.target);
    hold(admitted, socket);
    return socket;
  } catch (error) {
    admitted.failure = error;
    return null;
  }
}

/** https: bytes go through unread, between the program and the host and port of its pass. */
async function tunnel(admitted: Admitted, client: Duplex, head: Buffer): Promise<void> {
  hold(admitted, client);
  const socket = await dial(admitted);
  if (!socket) return void client.end("HTTP/1.1 502 Bad Gateway\r\n\r\n");
  if (client.destroyed) return void socket.destroy();
  client.write("HTTP/1.1 200 Connection established\r\n\r\n");
  socket.write(head);
  client.once("close", () => socket.destroy()).pipe(socket);
  socket.once("close", () => client.destroy()).pipe(client);
}

function ownHeaders(request: IncomingMessage): string[] {
  const { rawHeaders } = request;
  return rawHeaders.filter((_, at) => !OWN_HEADERS.has((rawHeaders[at - (at % 2)] ?? "").toLowerCase()));
}

/** Plain HTTP: the request goes on as it came, over a connection of its own. */
async function forward(
  admitted: Admitted,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { origin, pathname, search } = new URL(request.url ?? "");
  if (origin !== admitted.target.origin) return void response.writeHead(403).end();
  const socket = await dial(admitted);
  if (!socket) return void response.writeHead(502).end();
  const { method } = request;
  const onward = sendRequest({
    createConnection: () => socket,
    method,
    path: pathname + search,
    headers: ownHeaders(request),
  });
  onward.on("response", (reply) => {
    response.writeHead(reply.statusCode ?? 502, reply.rawHeaders);
    reply.once("error", () => response.destroy()).pipe(response);
  });
  onward.on("error", () => response.destroy());
  response.once("close", () => socket.destroy());
  request.pipe(onward);
}

/** The password of `Proxy-Authorization: Basic`. */
function secretIn(request: IncomingMessage): string {
  const [scheme = "", encoded = ""] = (request.headers["proxy-authorization"] ?? "").split(" ");
  const [user, secret = ""] = Buffer.from(encoded, "base64").toString().split(":");
  return scheme.toLowerCase() === "basic" && user === USER ? secret : "";
}

function listen(passes: ReadonlyMap<string, Admitted>): Promise<Server> {
  const server = createServer((request, response) => {
    const admitted = passes.get(secretIn(request));
    if (!admitted) return void response.writeHead(407, { "proxy-authenticate": "Basic" }).end();
    const plain = admitted.target.protocol === "http:" && URL.canParse(request.url ?? "");
    if (!plain) return void response.writeHead(403).end();
    void forward(admitted, request, response);
  });
  server.on("connect", (request: IncomingMessage, client: Duplex, head: Buffer) => {
    const admitted = passes.get(secretIn(request));
    client.on("error", () => client.destroy());
    if (!admitted)
      return void client.end(
        "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n",
      );
    const { target } = admitted;
    if (target.protocol !== "https:" || request.url?.toLowerCase() !== authorityOf(target))
      return void client.end("HTTP/1.1 403 Forbidden\r\n\r\n");
    void tunnel(admitted, client, head);
  });
  server.requestTimeout = 0;
  return new Promise((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", () => resolve(server));
  });
}

/** Makes a proxy, which listens from the first pass on. */
export function createGuardedProxy(): GuardedProxy {
  const passes = new Map<string, Admitted>();
  let listening: Promise<Server> | null = null;
  const start = (): Promise<Server> => {
    listening ??= listen(passes).catch((error: unknown) => {
      listening = null;
      throw error;
    });
    return listening;
  };

  const endPass = (secret: string): void => {
    const admitted = passes.get(secret);
    passes.delete(secret);
    for (const socket of admitted?.sockets ?? []) socket.destroy();
  };

  return {
    admit: async (target, rules) => {
      const server = await start();
      const secret = randomBytes(32).toString("hex");
      const admitted: Admitted = { target, dial: guardedTunnel(rules), sockets: new Set(), failure: null };
      passes.set(secret, admitted);
      const { port } = server.address() as AddressInfo;
      return {
        url: `http://${USER}:${secret}@127.0.0.1:${port}`,
        failure: () => admitted.failure,
        end: () => endPass(secret),
      };
    },
    close: async () => {
      for (const secret of passes.keys()) endPass(secret);
      const server = await listening?.catch(() => null);
      if (!server) return;
      const closed = new Promise<void>((resolve) => void server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
}
