import { createServer, type IncomingMessage, request as requestOf, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { TestRegistry } from "./registries.ts";

/** What a fault does to a request: answers itself, or lets it through after a while. */
export type Fault =
  | { readonly status: number; readonly body?: string }
  | { readonly until: Promise<unknown> };

/** A real registry behind a door that a test can disturb. */
export interface RegistryProxy extends TestRegistry {
  /** `METHOD /path?query` of every request, at its begin. */
  readonly asked: string[];
  /** Bodies of requests that are on their way into the registry now. */
  readonly writing: () => number;
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

/** Starts a door to this registry, on a port of its own. Stopping it leaves the registry as it is. */
export async function startRegistryProxy(registry: TestRegistry): Promise<RegistryProxy> {
  const asked: string[] = [];
  let rules: Rule[] = [];
  let writing = 0;

  const pass = (request: IncomingMessage, response: ServerResponse): void => {
    const [hostname, port] = registry.host.split(":");
    const { method, url: path, headers } = request;
    const onward = requestOf({ hostname, port, method, path, headers }, (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on("error", () => response.destroy());
      answer.pipe(response);
    });
    onward.on("error", () => response.destroy());
    response.on("close", () => onward.destroy());
    if (method === "PUT" || method === "PATCH") {
      writing += 1;
      response.once("close", () => void (writing -= 1));
    }
    request.pipe(onward);
  };

  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const line = `${request.method} ${request.url}`;
    asked.push(line);
    const rule = rules.findLast((one) => one.left > 0 && one.line.test(line));
    if (!rule) return pass(request, response);
    rule.left -= 1;
    if ("until" in rule.fault) {
      await rule.fault.until;
      return pass(request, response);
    }
    request.resume();
    const headers = { "content-type": "application/json" };
    response.writeHead(rule.fault.status, headers).end(rule.fault.body ?? "");
  };

  const server = createServer((request, response) => void handle(request, response));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...registry,
    host,
    asked,
    writing: () => writing,
    disturb: (line, fault, times = Infinity) => void rules.push({ line, fault, left: times }),
    heal: () => void (rules = []),
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
