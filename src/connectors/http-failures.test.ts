import type { Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeCertificate } from "../../test/support/certificates.ts";
import { startRaw, urlOf } from "../../test/support/raw-server.ts";
import { answer, type StandIn, startStandIn } from "../../test/support/stand-in.ts";
import {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
  type HttpRequest,
  type HttpRules,
  replyError,
} from "./http-client.ts";
import { retryAfterMillis } from "./retry-after.ts";

const RULES: HttpRules = { system: "test", allowPrivate: true, plainHttp: true, caPem: null };

describe("failures in words", () => {
  let server: StandIn;
  const clients: HttpClient[] = [];

  beforeEach(async () => {
    server = await startStandIn();
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await server.stop();
  });

  const makeClient = (options: HttpClientOptions = {}): HttpClient => {
    const client = createHttpClient(options);
    clients.push(client);
    return client;
  };
  const get = (
    path: string,
    changes: Partial<HttpRequest> = {},
    rules: Partial<HttpRules> = {},
  ): HttpRequest => ({
    method: "GET",
    url: new URL(path, `http://${server.host}`),
    rules: { ...RULES, ...rules },
    ...changes,
  });

  it("connection refused", async () => {
    const raw = await startRaw(() => undefined);
    const url = urlOf(raw);
    await new Promise((resolve) => raw.close(resolve));
    await expect(makeClient().send(get("/", { url }))).rejects.toMatchObject({
      name: "ExternalSystemError",
      system: "test",
      retryable: true,
      status: null,
      message: `connecting to ${url.host}: connection refused`,
    });
  });

  it("an unknown host name", async () => {
    const unknown = Object.assign(new Error("getaddrinfo ENOTFOUND"), { code: "ENOTFOUND" });
    const client = makeClient({ resolve: () => Promise.reject(unknown) });
    const request = get("/", { url: new URL("http://nowhere.example.com/") });
    await expect(client.send(request)).rejects.toMatchObject({
      retryable: true,
      message: "connecting to nowhere.example.com: the host name is not known",
    });
  });

  it.for([
    ["no answer", () => undefined, "waiting for", "no answer within the time limit", true],
    ["a reset", (socket) => void socket.resetAndDestroy(), "waiting for", "the connection was cut", true],
    ["a hang-up", (socket) => void socket.end(), "waiting for", "the connection was cut", true],
    [
      "no HTTP",
      (socket) => void socket.end("SSH-2.0-x\r\n"),
      "reading from",
      "what came back is not HTTP",
      false,
    ],
  ] as const satisfies readonly (readonly [string, (socket: Socket) => void, ...unknown[]])[])(
    "%s",
    async ([, act, doing, words, retryable]) => {
      const raw = await startRaw(act);
      const url = urlOf(raw);
      try {
        await expect(makeClient({ firstByteMillis: 200 }).send(get("/", { url }))).rejects.toMatchObject({
          retryable,
          message: `${doing} ${url.host}: ${words}`,
        });
      } finally {
        await Promise.all(clients.splice(0).map((client) => client.close()));
        raw.close();
      }
    },
  );

  it("an answer that stops or breaks off half-way", async () => {
    const head = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf";
    const stalling = await startRaw((socket) => void socket.write(head));
    const breaking = await startRaw((socket) => void socket.end(head));
    const client = makeClient({ stallMillis: 300 });
    try {
      const stalled = await client.send(get("/", { url: urlOf(stalling) }));
      await expect(stalled.bytes(100)).rejects.toMatchObject({
        retryable: true,
        message: `reading from ${urlOf(stalling).host}: nothing more came within the time limit`,
      });
      const broken = await client.send(get("/", { url: urlOf(breaking) }));
      await expect(broken.bytes(100)).rejects.toMatchObject({
        retryable: true,
        message: expect.stringContaining("the connection was cut") as string,
      });
    } finally {
      await client.close();
      stalling.close();
      breaking.close();
    }
  });

  it("a server that takes the connection and never begins to talk TLS", async () => {
    const silent = await startRaw(() => undefined);
    const url = new URL(urlOf(silent).href.replace("http:", "https:"));
    try {
      await expect(makeClient({ connectMillis: 200 }).send(get("/", { url }))).rejects.toMatchObject({
        retryable: true,
        message: `connecting to ${url.host}: no connection within the time limit`,
      });
    } finally {
      silent.close();
    }
  });

  it.for([
    ["the beginning of an answer", "HTTP/1.1 200 OK\r\nx-long: ", "waiting for", "no answer within"],
    [
      "a whole answer",
      "HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n",
      "reading from",
      "the answer did not come whole within",
    ],
  ] as const)("%s that trickles byte by byte", async ([, head, doing, words]) => {
    let trickle: NodeJS.Timeout | undefined;
    const raw = await startRaw((socket) => {
      socket.write(head);
      trickle = setInterval(() => socket.write("x"), 20);
    });
    const url = urlOf(raw);
    const client = makeClient({ firstByteMillis: 300, stallMillis: 5_000, smallBodyMillis: 300 });
    const read = async (): Promise<Buffer> => (await client.send(get("/", { url }))).bytes(200_000);
    try {
      await expect(read()).rejects.toMatchObject({
        retryable: true,
        message: `${doing} ${url.host}: ${words} the time limit`,
      });
    } finally {
      clearInterval(trickle);
      await client.close();
      raw.close();
    }
  });

  it("what a refusal says comes byte by byte", async () => {
    let trickle: NodeJS.Timeout | undefined;
    server.expect("GET /a", (response) => {
      response.writeHead(403);
      trickle = setInterval(() => response.write("x"), 20);
    });
    try {
      const reply = await makeClient({ smallBodyMillis: 300 }).send(get("/a"));
      await expect(reply.beginning(100_000)).rejects.toThrow("did not come whole within the time limit");
    } finally {
      clearInterval(trickle);
    }
  });

  it("a body that nobody wants and that trickles is not waited for", async () => {
    let trickle: NodeJS.Timeout | undefined;
    const closed = new Promise<void>((resolve) => {
      server.expect("GET /a", (response) => {
        response.writeHead(200);
        trickle = setInterval(() => response.write("x"), 20);
        response.once("close", resolve);
      });
    });
    try {
      const reply = await makeClient({ smallBodyMillis: 300 }).send(get("/a"));
      await expect(reply.discard()).resolves.not.toThrow();
      await closed;
    } finally {
      clearInterval(trickle);
    }
  });

  it("a certificate that nobody trusts, and the same one trusted", async () => {
    const certificate = makeCertificate("localhost");
    const secure = await startStandIn(certificate);
    try {
      secure.always("GET /", answer(200));
      const url = new URL(`https://${secure.host}/`);
      const client = makeClient();
      await expect(client.send(get("/", { url }))).rejects.toMatchObject({
        retryable: false,
        message: expect.stringContaining(
          `connecting to ${secure.host}: the certificate is not trusted`,
        ) as string,
      });
      const trusting = get("/", { url }, { caPem: certificate.certificatePem });
      expect((await client.send(trusting)).status).toBe(200);
    } finally {
      await secure.stop();
    }
  });

  it("TLS spoken to a server of plain HTTP", async () => {
    const url = new URL(`https://${server.host}/`);
    await expect(makeClient().send(get("/", { url }))).rejects.toMatchObject({
      name: "ExternalSystemError",
      retryable: true,
      message: expect.stringContaining("TLS failed") as string,
    });
  });

  it("an abort keeps its reason, before and during a request", async () => {
    const raw = await startRaw(() => controller.abort(new Error("cancelled by a person")));
    const controller = new AbortController();
    const client = makeClient();
    const request = get("/", { url: urlOf(raw), signal: controller.signal });
    await expect(client.send(request)).rejects.toThrow("cancelled by a person");
    await expect(client.send(request)).rejects.toThrow("cancelled by a person");
    await client.close();
    raw.close();
  });

  it("a refusal carries status and what to wait", () => {
    const reply = { header: (name: string) => (name === "retry-after" ? "7" : null) };
    const errorFor = (status: number) => replyError(RULES, { ...reply, status }, "words");
    expect(errorFor(429)).toMatchObject({ retryable: true, retryAfterMillis: 7000, status: 429 });
    expect([500, 502, 503, 504, 408].map((status) => errorFor(status).retryable)).not.toContain(false);
    expect(
      [400, 401, 403, 404, 409, 422, 501, 507].map((status) => errorFor(status).retryable),
    ).not.toContain(true);
  });

  it("a refusal that asks for a long wait says when it is over", () => {
    const errorFor = (retryAfter: string) =>
      replyError(RULES, { status: 429, header: () => retryAfter }, "slow down");
    expect(errorFor("60").message).toBe("slow down");
    expect(errorFor("61").message).toMatch(/^slow down; it may be asked again at (\S+ )?\d\d:\d\d:\d\d UTC$/);
  });

  it.for([
    ["120", 120_000],
    ["Sun, 01 Nov 2026 12:00:30 GMT", 30_000],
    ["Sun, 01 Nov 2020 12:00:00 GMT", 0],
    ["soon", null],
    [null, null],
  ] as const)("Retry-After %s is %s ms", ([header, millis]) => {
    expect(retryAfterMillis(header, new Date("2026-11-01T12:00:00Z"))).toBe(millis);
  });
});
