import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as requestOf,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { pipeline } from "node:stream/promises";
import { bend, type Bend } from "./bent-body.ts";
import type { TestRegistry } from "./registries.ts";

/** What a fault does to a request: answers itself, stays silent, or lets it through after a while or otherwise than it is. */
export type Fault =
  | {
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly silent: true }
  | { readonly until: Promise<unknown> }
  | Distortion;

/** How a request that is let through differs from what was sent, and its answer from what came back. */
export interface Distortion {
  readonly request?: Bend;
  readonly answer?: Bend;
  /** Ask for something else. */
  readonly path?: (path: string) => string;
  /** As a registry that knows nothing of parts. */
  readonly wholeOnly?: true;
}

/** A real registry behind a door that a test can disturb. */
export interface RegistryProxy extends TestRegistry {
  /** `METHOD /path?query` of every request, at its begin. */
  readonly asked: string[];
  /** Bytes of bodies that have passed: into the registry, and out of it. */
  readonly passed: { into: number; out: number };
  /** Bodies of requests that are on their way into the registry now. */
  readonly writing: () => number;
  /** The uploads that the registry began, and was neither given the last byte of nor told to forget. */
  readonly openUploads: () => readonly string[];
  /** Disturbs the requests that match, until `heal`; the latest fault wins. `times`: only so many of them. */
  disturb(line: RegExp, fault: Fault, times?: number): void;
  heal(): void;
}

/** A registry's own refusal, as it goes over the wire. */
export const refusal = (status: number, code: string, message: string): Fault => ({
  status,
  body: JSON.stringify({ errors: [{ code, message }] }),
});

interface Rule {
  readonly line: RegExp;
  readonly fault: Fault;
  left: number;
}

const lineOf = ({ method, url }: IncomingMessage): string => `${method} ${url}`;

/** Which uploads stand open, from the requests and answers that pass. */
function watchUploads() {
  const open = new Set<string>();
  const pathOf = (address: string): string => new URL(address, "http://registry.invalid").pathname;
  return {
    open,
    note: ({ method, url = "" }: IncomingMessage, { statusCode = 0, headers }: IncomingMessage): void => {
      if (method === "POST" && statusCode === 202) open.add(pathOf(headers.location ?? ""));
      // Told to forget an upload whose bytes broke off, docker-registry 2.8 answers 404 and keeps it for its own clean-up.
      if (method === "DELETE" || (method === "PUT" && statusCode === 201)) open.delete(pathOf(url));
    },
  };
}

const without = (headers: IncomingHttpHeaders, ...names: readonly string[]): IncomingHttpHeaders =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.includes(name)));

const RANGES = ["range", "accept-ranges"];

/** Starts a door to this registry, on a port of its own. Stopping it leaves the registry as it is. */
export async function startRegistryProxy(registry: TestRegistry): Promise<RegistryProxy> {
  const asked: string[] = [];
  const passed = { into: 0, out: 0 };
  const uploads = watchUploads();
  let rules: Rule[] = [];
  let writing = 0;

  /** Passes a body on; what breaks it on either side breaks the client's connection. */
  async function carry(
    [from, to]: readonly [IncomingMessage, NodeJS.WritableStream],
    way: "into" | "out",
    how: Bend | undefined,
  ): Promise<void> {
    async function* counted(body: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
      for await (const chunk of body) {
        passed[way] += chunk.length;
        yield chunk;
      }
    }
    await pipeline(from, (body: AsyncIterable<Buffer>) => counted(how ? bend(body, how) : body), to);
  }

  function pass(request: IncomingMessage, response: ServerResponse, how: Distortion = {}): void {
    const [hostname, port] = registry.host.split(":");
    const { method, url = "" } = request;
    const path = how.path?.(url) ?? url;
    const headers = how.wholeOnly ? without(request.headers, ...RANGES) : request.headers;
    const { socket } = request;
    const broken = (): void => {
      if (!response.writableFinished) socket.resetAndDestroy();
    };
    const onward = requestOf({ hostname, port, method, path, headers }, (answer) => {
      uploads.note(request, answer);
      const shortened = how.answer && "endAfter" in how.answer;
      const plain = how.wholeOnly ? without(answer.headers, ...RANGES) : answer.headers;
      response.writeHead(answer.statusCode ?? 502, shortened ? without(plain, "content-length") : plain);
      carry([answer, response], "out", how.answer).catch(broken);
    });
    onward.on("error", broken);
    response.on("close", () => onward.destroy());
    if (method === "PUT" || method === "PATCH") {
      writing += 1;
      response.once("close", () => void (writing -= 1));
    }
    carry([request, onward], "into", how.request).catch(broken);
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    asked.push(lineOf(request));
    const rule = rules.findLast((one) => one.left > 0 && one.line.test(lineOf(request)));
    if (!rule) return pass(request, response);
    rule.left -= 1;
    const { fault } = rule;
    if ("silent" in fault) return void request.resume();
    if ("status" in fault) {
      request.resume();
      const headers = { "content-type": "application/json", ...fault.headers };
      return void response.writeHead(fault.status, headers).end(fault.body ?? "");
    }
    if (!("until" in fault)) return pass(request, response, fault);
    await fault.until;
    pass(request, response);
  }

  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...registry,
    host,
    asked,
    passed,
    writing: () => writing,
    openUploads: () => [...uploads.open],
    disturb: (line, fault, times = Infinity) => void rules.push({ line, fault, left: times }),
    heal: () => void (rules = []),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
