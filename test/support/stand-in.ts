import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TestCertificate } from "./certificates.ts";

/** One request as the stand-in saw it. */
export interface StandInCall {
  /** `METHOD /path?query`. */
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  /** Bytes of the body that arrived, and whether all of it did; final once the request is over. */
  received: number;
  complete: boolean;
}

export type StandInAnswer = (response: ServerResponse, request: IncomingMessage, call: StandInCall) => void;

/** A server that plays the outside and answers only what a test told it to. */
export interface StandIn {
  readonly host: string;
  readonly calls: readonly StandInCall[];
  /** Each answer is for one call of `METHOD /path` (the query does not count), in this order. */
  expect(route: string, ...answers: readonly StandInAnswer[]): void;
  /** Any number of calls, after the expected ones. */
  always(route: string, answer: StandInAnswer): void;
  /** Ends it; fails when a call came that nobody expected, or an expected one did not. */
  stop(): Promise<void>;
}

/** An answer with this status, headers and body, given once the request's body is there. */
export const answer =
  (
    status: number,
    headers: Readonly<Record<string, string>> = {},
    body: string | Uint8Array = "",
  ): StandInAnswer =>
  (response, request) => {
    const send = (): void => void response.writeHead(status, headers).end(body);
    if (request.complete) send();
    else request.once("end", send);
  };

/** Starts a stand-in on a free loopback port; over https with a certificate. */
export async function startStandIn(certificate?: TestCertificate): Promise<StandIn> {
  const calls: StandInCall[] = [];
  const unexpected: string[] = [];
  const expected = new Map<string, StandInAnswer[]>();
  const always = new Map<string, StandInAnswer>();

  const handle = (request: IncomingMessage, response: ServerResponse): void => {
    const line = `${request.method} ${request.url}`;
    const call: StandInCall = { line, headers: request.headers, received: 0, complete: false };
    calls.push(call);
    request.on("data", (chunk: Buffer) => void (call.received += chunk.length));
    request.on("end", () => void (call.complete = true));
    const route = line.split("?", 1).join();
    const reply = expected.get(route)?.shift() ?? always.get(route);
    if (reply) return reply(response, request, call);
    unexpected.push(line);
    response.writeHead(500).end();
  };

  const server = certificate
    ? createTlsServer({ key: certificate.keyPem, cert: certificate.certificatePem }, handle)
    : createServer(handle);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    calls,
    expect: (route, ...answers) => void expected.set(route, [...(expected.get(route) ?? []), ...answers]),
    always: (route, reply) => void always.set(route, reply),
    stop: async () => {
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
      if (unexpected.length > 0) throw new Error(`unexpected calls: ${unexpected.join(", ")}`);
      const missing = [...expected].filter(([, answers]) => answers.length > 0).map(([route]) => route);
      if (missing.length > 0) throw new Error(`calls that did not come: ${missing.join(", ")}`);
    },
  };
}
