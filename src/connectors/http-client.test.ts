import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { makeCertificate } from "../../test/support/certificates.ts";
import { answer, type StandIn, startStandIn } from "../../test/support/stand-in.ts";
import { ExternalSystemError } from "../kernel/errors.ts";
import { markTransaction } from "../kernel/transaction-scope.ts";
import {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
  type HttpRequest,
  type HttpRules,
} from "./http-client.ts";
import { UNCOUNTED } from "./traffic.ts";

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

  it("gives any status as an answer, with headers and body", async () => {
    server.expect("GET /a", answer(418, { "x-one": "1" }, "short and stout"));
    const reply = await makeClient({ userAgent: "headgate/test" }).send(get("/a?b=c"));
    expect(reply.status).toBe(418);
    expect(reply.header("x-one")).toBe("1");
    expect(reply.header("x-two")).toBeNull();
    expect((await reply.bytes(100)).toString()).toBe("short and stout");
    expect(server.calls[0]).toMatchObject({ line: "GET /a?b=c", headers: { "user-agent": "headgate/test" } });
  });

  it("asks HEAD after HEAD without a connection for each", async () => {
    let connections = 0;
    const counting = createServer((_, response) => response.writeHead(404, { "content-length": "7" }).end());
    counting.on("connection", () => (connections += 1));
    await new Promise<void>((resolve) => counting.listen(0, "127.0.0.1", resolve));
    const { port } = counting.address() as AddressInfo;
    const client = makeClient();
    for (let count = 0; count < 5; count += 1) {
      const reply = await client.send(
        get("/a", { method: "HEAD", url: new URL(`http://127.0.0.1:${port}/a`) }),
      );
      await reply.discard();
      expect(reply.status).toBe(404);
    }
    expect(connections).toBeLessThanOrEqual(2);
    await client.close();
    await new Promise((resolve) => counting.close(resolve));
  });

  it("does not take the body that a server wrongly sends after a HEAD for another answer", async () => {
    const wrong =
      "HTTP/1.1 404 Not Found\r\ncontent-length: 42\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n12345";
    server.always("HEAD /a", (response) => void response.socket?.write(wrong));
    server.always("GET /b", answer(418));
    const client = makeClient();
    for (let count = 0; count < 5; count += 1) {
      await (await client.send(get("/a", { method: "HEAD" }))).discard();
      const next = client.send(get("/b")).then(
        ({ status }) => status,
        (error: unknown) => (error instanceof ExternalSystemError ? "failed" : error),
      );
      expect([418, "failed"]).toContain(await next);
    }
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

  describe("hosts that are not well", () => {
    const fiveFailures = async (client: HttpClient): Promise<void> => {
      for (let count = 1; count <= 5; count += 1) {
        server.expect(`GET /${count}`, answer(500));
        await (await client.send(get(`/${count}`))).discard();
      }
    };

    it("wait for all callers after Retry-After", async () => {
      const client = makeClient();
      server.expect("GET /a", answer(429, { "retry-after": "300" }));
      await (await client.send(get("/a"))).discard();
      await expect(client.send(get("/b"))).rejects.toThrow(
        `calling ${server.host}: it wants to be called less often (HTTP 429)`,
      );
      other.expect("GET /c", answer(200));
      await client.send(get("/c", { url: new URL(`http://${other.host}/c`) }));
      expect(server.calls).toHaveLength(1);
    });

    it("also the host that a redirect leads to", async () => {
      const client = makeClient();
      server.always("GET /a", answer(307, { location: `http://${other.host}/b` }));
      other.expect("GET /b", answer(503, { "retry-after": "300" }));
      const request = get("/a", { followRedirects: true });
      expect((await client.send(request)).status).toBe(503);
      await expect(client.send(request)).rejects.toThrow(
        `calling ${other.host}: it wants to be called less often (HTTP 503)`,
      );
      expect((await client.send(get("/a"))).status).toBe(307);
    });

    it("are told to whoever counts, and are asked again by themselves", async () => {
      const told: [string, boolean][] = [];
      const breaker = (host: string, open: boolean) => void told.push([host, open]);
      const client = makeClient({ traffic: { ...UNCOUNTED, breaker } });
      await fiveFailures(client);
      expect(told).toEqual([[server.host, true]]);
      server.expect("GET /b", answer(200), answer(200));
      const replies = await Promise.all([client.send(get("/b")), client.send(get("/b"))]);
      expect(replies.map(({ status }) => status)).toEqual([200, 200]);
      expect(told.at(-1)).toEqual([server.host, false]);
    });

    it("are not the ones whose bytes ended on their way to another host", async () => {
      const told: boolean[] = [];
      const client = makeClient({ traffic: { ...UNCOUNTED, breaker: (_, open) => void told.push(open) } });
      server.always("PUT /a", () => undefined);
      async function* body() {
        yield Buffer.from("abc");
        throw new ExternalSystemError("the source was cut", { system: "source", retryable: true });
      }
      const headers = { "content-length": "6" };
      for (let count = 0; count < 6; count += 1)
        await expect(client.send(get("/a", { method: "PUT", headers, body: body() }))).rejects.toThrow(
          "the source was cut",
        );
      expect(told).toEqual([]);
    });

    it("are asked at once by a person", async () => {
      const client = makeClient();
      await fiveFailures(client);
      server.expect("GET /b", answer(200));
      expect((await client.send(get("/b", { anyway: true }))).status).toBe(200);
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
