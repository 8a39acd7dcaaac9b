import type { Server } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { startRaw, urlOf } from "../../test/support/raw-server.ts";
import { answer, type StandInAnswer, startStandIn } from "../../test/support/stand-in.ts";
import { ExternalSystemError } from "../kernel/errors.ts";
import { CallNotMadeError } from "./call-not-made.ts";
import { createHttpClient, type HttpClient, type HttpClientOptions, type HttpRules } from "./http-client.ts";

const RULES: HttpRules = { system: "test", allowPrivate: true, plainHttp: true, caPem: null };

describe("a call that failed", () => {
  const clients: HttpClient[] = [];
  const servers: Server[] = [];

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    for (const server of servers.splice(0)) server.close();
  });

  const serve = async (onData: Parameters<typeof startRaw>[0]): Promise<Server> => {
    const server = await startRaw(onData);
    servers.push(server);
    return server;
  };
  const clientWith = (options: HttpClientOptions = {}): HttpClient => {
    const client = createHttpClient(options);
    clients.push(client);
    return client;
  };
  const failure = async (url: URL, client: HttpClient = clientWith(), rules: Partial<HttpRules> = {}) => {
    const call = client.send({ method: "POST", url, rules: { ...RULES, ...rules }, body: "{}" });
    const error: unknown = await call.then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(ExternalSystemError);
    return error;
  };

  it("was not made when the connection was refused", async () => {
    const server = await startRaw(() => undefined);
    const url = urlOf(server);
    await new Promise((resolve) => server.close(resolve));
    expect(await failure(url)).toBeInstanceOf(CallNotMadeError);
  });

  it("was not made when the name is not known", async () => {
    const unknown = Object.assign(new Error("getaddrinfo EAI_AGAIN"), { code: "EAI_AGAIN" });
    const client = clientWith({ resolve: () => Promise.reject(unknown) });
    expect(await failure(new URL("http://nowhere.example.com/"), client)).toBeInstanceOf(CallNotMadeError);
  });

  it("was not made when the address may not be reached", async () => {
    const url = urlOf(await serve(() => undefined));
    expect(await failure(url, clientWith(), { allowPrivate: false })).toBeInstanceOf(CallNotMadeError);
  });

  it("was not made when TLS never came about: another protocol, a reset, silence", async () => {
    const client = clientWith({ connectMillis: 200 });
    for (const act of [
      (socket) => void socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"),
      (socket) => void socket.resetAndDestroy(),
      () => undefined,
    ] satisfies Parameters<typeof startRaw>[0][]) {
      const url = urlOf(await serve(act));
      url.protocol = "https:";
      expect(await failure(url, client)).toBeInstanceOf(CallNotMadeError);
    }
  });

  it("was not made when the client is closed", async () => {
    const url = urlOf(await serve(() => undefined));
    const client = clientWith();
    await client.close();
    expect(await failure(url, client)).toBeInstanceOf(CallNotMadeError);
  });

  it("may have arrived when the connection was cut, fell silent, or was closed from our side meanwhile", async () => {
    const reset = urlOf(await serve((socket) => void socket.resetAndDestroy()));
    expect(await failure(reset)).not.toBeInstanceOf(CallNotMadeError);
    const silent = urlOf(await serve(() => undefined));
    expect(await failure(silent, clientWith({ firstByteMillis: 200 }))).not.toBeInstanceOf(CallNotMadeError);
    const client = clientWith();
    const closing = urlOf(await serve(() => void client.close()));
    expect(await failure(closing, client)).not.toBeInstanceOf(CallNotMadeError);
  });

  it("may have arrived on a connection that was good before, and is not sent again by itself", async () => {
    const standIn = await startStandIn();
    const reset: StandInAnswer = (_, { socket }) => void socket.resetAndDestroy();
    standIn.expect("POST /", answer(200), reset);
    const client = clientWith();
    const url = new URL(`http://${standIn.host}/`);
    await (await client.send({ method: "POST", url, rules: RULES, body: "{}" })).discard();
    expect(await failure(url, client)).not.toBeInstanceOf(CallNotMadeError);
    expect(standIn.calls).toHaveLength(2);
    await standIn.stop();
  });
});
