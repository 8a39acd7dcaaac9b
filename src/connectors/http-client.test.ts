import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeCertificate } from "../../test/support/certificates.ts";
import { answer, type StandIn, startStandIn } from "../../test/support/stand-in.ts";
import { markTransaction } from "../kernel/transaction-scope.ts";
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

describe("the HTTP client", () => {
  let server: StandIn;
  let other: StandIn;
  const clients: HttpClient[] = [];

  beforeEach(async () => {
    [server, other] = await Promise.all([startStandIn(), startStandIn()]);
  });

  afterEach(async () => {
    await Promise.all(clients.splice(0).map((client) => client.close()));
    await server.stop();
    await other.stop();
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

  /** A server below HTTP; whatever it does with a socket happens before any answer. */
  const startRaw = async (onData: (socket: Socket) => void): Promise<Server> => {
    const raw = createServer((socket) => {
      socket.on("error", () => undefined);
      socket.once("data", () => onData(socket));
    });
    await new Promise<void>((resolve) => raw.listen(0, "127.0.0.1", resolve));
    return raw;
  };
  const urlOf = (raw: Server): URL => new URL(`http://127.0.0.1:${(raw.address() as AddressInfo).port}/`);

  it("gives any status as an answer, with headers and body", async () => {
    server.expect("GET /a", answer(418, { "x-one": "1" }, "short and stout"));
    const reply = await makeClient({ userAgent: "headgate/test" }).send(get("/a?b=c"));
    expect(reply.status).toBe(418);
    expect(reply.header("x-one")).toBe("1");
    expect(reply.header("x-two")).toBeNull();
    expect((await reply.bytes(100)).toString()).toBe("short and stout");
    expect(server.calls[0]).toMatchObject({ line: "GET /a?b=c", headers: { "user-agent": "headgate/test" } });
  });

  it("streams a body out with its length", async () => {
    server.expect("PUT /a", answer(201));
    async function* body() {
      yield Buffer.from("abc");
      yield Buffer.from("def");
    }
    const headers = { "content-length": "6" };
    const reply = await makeClient().send(get("/a", { method: "PUT", headers, body: body() }));
    expect(reply.status).toBe(201);
    expect(server.calls[0]).toMatchObject({
      received: 6,
      complete: true,
      headers: { "content-length": "6" },
    });
  });

  it("a body that fails half-way leaves an unfinished request and its own error", async () => {
    const arrived = Promise.withResolvers<void>();
    server.expect("PUT /a", (_, request) => void request.once("data", () => arrived.resolve()));
    async function* body() {
      yield Buffer.from("abc");
      await arrived.promise;
      throw new Error("the source is gone");
    }
    const headers = { "content-length": "6" };
    const request = get("/a", { method: "PUT", headers, body: body() });
    await expect(makeClient().send(request)).rejects.toThrow("the source is gone");
    expect(server.calls).toMatchObject([{ received: 3, complete: false }]);
  });

  it("cuts a body that is longer than allowed", async () => {
    server.expect("GET /a", answer(200, {}, "x".repeat(101)));
    const reply = await makeClient().send(get("/a"));
    await expect(reply.bytes(100)).rejects.toMatchObject({
      message: `reading from ${server.host}: the answer is longer than 100 bytes`,
      retryable: false,
    });
  });

  describe("addresses", () => {
    it.for([
      "http://169.254.169.254/",
      "http://[fe80::1]/",
      "http://0.0.0.0:1/",
      "http://[::ffff:169.254.169.254]/",
    ])("never reaches %s, even where private addresses are allowed", async (text) => {
      await expect(makeClient().send(get("/", { url: new URL(text) }))).rejects.toMatchObject({
        name: "ExternalSystemError",
        retryable: false,
        message: expect.stringContaining("is never reached") as string,
      });
    });

    it("never reaches a metadata address behind a harmless name", async () => {
      const client = makeClient({
        resolve: () => Promise.resolve([{ address: "169.254.169.254", family: 4 }]),
      });
      const request = get("/", { url: new URL("http://registry.example.com/") });
      await expect(client.send(request)).rejects.toThrow(
        "connecting to registry.example.com: the address 169.254.169.254 is never reached",
      );
    });

    it("dials the address that was checked, not what the name says the next time", async () => {
      server.always("GET /", answer(200));
      const answers = ["127.0.0.1", "169.254.169.254"];
      const client = makeClient({
        resolve: () => Promise.resolve([{ address: answers.shift() ?? "169.254.169.254", family: 4 }]),
      });
      const url = new URL(`http://registry.example.com:${server.host.split(":")[1]}/`);
      expect((await client.send(get("/", { url }))).status).toBe(200);
      expect(answers).toEqual(["169.254.169.254"]);
    });

    it("passes over forbidden addresses of a name that has others too", async () => {
      server.always("GET /", answer(200));
      const addresses = [
        { address: "169.254.169.254", family: 4 },
        { address: "127.0.0.1", family: 4 },
      ];
      const client = makeClient({ resolve: () => Promise.resolve(addresses) });
      const url = new URL(`http://registry.example.com:${server.host.split(":")[1]}/`);
      expect((await client.send(get("/", { url }))).status).toBe(200);
    });

    it("reaches private addresses only where the connection allows it", async () => {
      await expect(makeClient().send(get("/", {}, { allowPrivate: false }))).rejects.toMatchObject({
        message: `connecting to ${server.host}: the address 127.0.0.1 is private, which this connection does not allow`,
        retryable: false,
      });
      const named = get(
        "/",
        { url: new URL(`http://localhost:${server.host.split(":")[1]}/`) },
        { allowPrivate: false },
      );
      await expect(makeClient().send(named)).rejects.toThrow("is private");
      expect(server.calls).toEqual([]);
    });

    it("speaks plain HTTP only where the connection allows it, and nothing but HTTP", async () => {
      await expect(makeClient().send(get("/", {}, { plainHttp: false }))).rejects.toThrow(
        `connecting to http://${server.host}: the connection does not allow plain HTTP`,
      );
      await expect(makeClient().send(get("/", { url: new URL("file:///etc/passwd") }))).rejects.toThrow(
        "only HTTP",
      );
    });
  });

  describe("redirects", () => {
    it("are the answer unless they are to be followed", async () => {
      server.expect("GET /a", answer(302, { location: "/b" }));
      expect((await makeClient().send(get("/a"))).status).toBe(302);
    });

    it("keep authorization within the origin and drop it outside, for good", async () => {
      server.expect("GET /a", answer(307, { location: "/b" }));
      server.expect("GET /b", answer(302, { location: `http://${other.host}/c` }));
      other.expect("GET /c", answer(301, { location: `http://${server.host}/d` }));
      server.expect("GET /d", answer(200, {}, "there"));
      const headers = { authorization: "Basic secret", "x-other": "1" };
      const reply = await makeClient().send(get("/a", { headers, followRedirects: true }));
      expect((await reply.bytes(10)).toString()).toBe("there");
      expect(reply.url.href).toBe(`http://${server.host}/d`);
      const authorizations = [...server.calls, ...other.calls].map(({ line, headers: sent }) => [
        line,
        sent.authorization,
      ]);
      expect(authorizations).toEqual([
        ["GET /a", "Basic secret"],
        ["GET /b", "Basic secret"],
        ["GET /d", undefined],
        ["GET /c", undefined],
      ]);
      expect(other.calls[0]?.headers["x-other"]).toBe("1");
    });

    it("go through the guard", async () => {
      server.expect("GET /a", answer(302, { location: "http://169.254.169.254/latest/meta-data" }));
      await expect(makeClient().send(get("/a", { followRedirects: true }))).rejects.toThrow(
        "is never reached",
      );
    });

    it("end after five", async () => {
      server.always("GET /a", answer(302, { location: "/a" }));
      await expect(makeClient().send(get("/a", { followRedirects: true }))).rejects.toThrow(
        "more than 5 redirects",
      );
      expect(server.calls).toHaveLength(6);
    });

    it("must lead somewhere", async () => {
      server.expect("GET /a", answer(302), answer(302, { location: "http://[" }));
      const client = makeClient();
      await expect(client.send(get("/a", { followRedirects: true }))).rejects.toThrow("leads nowhere");
      await expect(client.send(get("/a", { followRedirects: true }))).rejects.toThrow("leads nowhere");
    });

    it("never lead from https to plain http", async () => {
      const certificate = makeCertificate("localhost");
      const secure = await startStandIn(certificate);
      try {
        secure.expect("GET /a", answer(302, { location: `http://${server.host}/b` }));
        const rules = { plainHttp: false, caPem: certificate.certificatePem };
        const request = get("/a", { url: new URL(`https://${secure.host}/a`), followRedirects: true }, rules);
        await expect(makeClient().send(request)).rejects.toThrow("does not allow plain HTTP");
      } finally {
        await secure.stop();
      }
    });
  });

  describe("failures in words", () => {
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
      expect([400, 401, 403, 404, 409, 422].map((status) => errorFor(status).retryable)).not.toContain(true);
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

  it("refuses to be called inside a transaction, and after it was closed", async () => {
    const client = makeClient();
    await expect(markTransaction(() => client.send(get("/")))).rejects.toThrow(
      "inside a database transaction",
    );
    await client.close();
    await expect(client.send(get("/"))).rejects.toThrow("the program is stopping");
    expect(server.calls).toEqual([]);
  });
});
