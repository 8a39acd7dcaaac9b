import { once } from "node:events";
import { request } from "node:http";
import type { AddressInfo, Server } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { startRaw, urlOf } from "../../test/support/raw-server.ts";
import { answer, type StandIn, startStandIn } from "../../test/support/stand-in.ts";
import { ADDRESS_REFUSED } from "./guarded-connect.ts";
import { createGuardedProxy, type GuardedProxy, type ProxyPass } from "./guarded-proxy.ts";

const RULES = { allowPrivate: true, caPem: null, timeoutMillis: 2_000 };

describe("the guarded proxy", () => {
  let proxy: GuardedProxy;
  let standIn: StandIn;
  let raw: Server;

  beforeEach(async () => {
    proxy = createGuardedProxy();
    standIn = await startStandIn();
    raw = await startRaw((socket) => socket.end("pong"));
  });
  afterEach(async () => {
    await proxy.close();
    await standIn.stop();
    raw.close();
  });

  /** What a program sends to the proxy, and the status that comes back. */
  async function send(
    pass: ProxyPass,
    method: string,
    path: string,
    secret?: string,
  ): Promise<[number, string]> {
    const { hostname, port, username, password } = new URL(pass.url);
    const basic = Buffer.from(`${username}:${secret ?? password}`).toString("base64");
    const headers = { "proxy-authorization": `Basic ${basic}`, host: "any" };
    const sent = request({ hostname, port, method, path, headers, agent: false });
    sent.end();
    if (method !== "CONNECT") {
      const [reply] = (await once(sent, "response")) as [import("node:http").IncomingMessage];
      return [reply.statusCode ?? 0, Buffer.concat(await reply.toArray()).toString()];
    }
    const [reply, socket] = (await once(sent, "connect")) as [
      import("node:http").IncomingMessage,
      import("node:net").Socket,
    ];
    if (reply.statusCode !== 200) return [reply.statusCode ?? 0, ""];
    socket.write("ping");
    return [200, Buffer.concat(await socket.toArray()).toString()];
  }

  const authority = (): string => `127.0.0.1:${(raw.address() as AddressInfo).port}`;
  const secureTarget = (): URL => new URL(`https://${authority()}/team/shop.git`);

  it("hands on requests of plain HTTP to the origin of the pass, without the pass's secret", async () => {
    standIn.always("GET /team/shop.git/info/refs", answer(200, {}, "refs"));
    const pass = await proxy.admit(new URL(`http://${standIn.host}/team/shop.git`), RULES);
    const path = `http://${standIn.host}/team/shop.git/info/refs?service=x`;
    expect(await send(pass, "GET", path)).toEqual([200, "refs"]);
    expect(standIn.calls[0]?.line).toBe("GET /team/shop.git/info/refs?service=x");
    expect(standIn.calls[0]?.headers).not.toHaveProperty("proxy-authorization");
  });

  it("opens a tunnel to the host and port of the pass", async () => {
    const pass = await proxy.admit(secureTarget(), RULES);
    expect(await send(pass, "CONNECT", authority())).toEqual([200, "pong"]);
    expect(pass.failure()).toBeNull();
  });

  it("reaches nothing but the origin of the pass, and by no other way", async () => {
    const secure = await proxy.admit(secureTarget(), RULES);
    const plain = await proxy.admit(new URL(`http://${standIn.host}/`), RULES);
    expect(await send(secure, "CONNECT", standIn.host)).toEqual([403, ""]);
    expect(await send(secure, "GET", `http://${standIn.host}/`)).toEqual([403, ""]);
    expect(await send(secure, "GET", urlOf(raw).href)).toEqual([403, ""]);
    expect(await send(plain, "GET", urlOf(raw).href)).toEqual([403, ""]);
    expect(await send(plain, "GET", "/metrics")).toEqual([403, ""]);
    expect(await send(plain, "CONNECT", standIn.host)).toEqual([403, ""]);
    expect(standIn.calls).toEqual([]);
  });

  it("serves nobody without a pass, nor with one that has ended", async () => {
    const pass = await proxy.admit(secureTarget(), RULES);
    expect(await send(pass, "CONNECT", authority(), "guess")).toEqual([407, ""]);
    expect(await send(pass, "GET", urlOf(raw).href, "")).toEqual([407, ""]);
    pass.end();
    expect(await send(pass, "CONNECT", authority())).toEqual([407, ""]);
  });

  it("does not reach a private address for a pass that does not allow it, and tells why", async () => {
    const guarded = { ...RULES, allowPrivate: false };
    const secure = await proxy.admit(secureTarget(), guarded);
    expect(await send(secure, "CONNECT", authority())).toEqual([502, ""]);
    expect(secure.failure()).toMatchObject({ code: ADDRESS_REFUSED });
    const named = new URL("http://code.example/");
    const resolve = () => Promise.resolve([{ address: "127.0.0.1", family: 4 }]);
    const plain = await proxy.admit(named, { ...guarded, resolve });
    expect(await send(plain, "GET", named.href)).toEqual([502, ""]);
    expect(plain.failure()).toMatchObject({ code: ADDRESS_REFUSED });
  });

  it("cuts what is open when a pass ends", async () => {
    const silent = await startRaw(() => undefined);
    const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`;
    const pass = await proxy.admit(new URL(`https://${host}/`), RULES);
    const waiting = send(pass, "CONNECT", host).catch(() => "cut");
    await once(silent, "connection");
    pass.end();
    expect(await waiting).toBeDefined();
    silent.close();
  });
});
