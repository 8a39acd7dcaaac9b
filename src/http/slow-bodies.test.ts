import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import Fastify from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { cutSlowBodies } from "./slow-bodies.ts";

describe("a request whose body does not come", () => {
  const app = Fastify();
  let port: number;
  beforeAll(async () => {
    cutSlowBodies(app, 200);
    for (const url of ["/v1/sign-in", "/v2/blob"]) app.post(url, async ({ body }) => body);
    app.get("/v1/slow", async () => {
      await pause(600);
      return "all of it";
    });
    port = Number(new URL(await app.listen({ port: 0, host: "127.0.0.1" })).port);
  });
  afterAll(() => app.close());

  /** Sends the beginning of a request; its rest when told. */
  async function begin(path: string) {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    socket.on("error", () => undefined);
    const received: string[] = [];
    socket.on("data", (chunk: Buffer) => received.push(chunk.toString()));
    socket.write(
      `POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 4\r\n\r\nnu`,
    );
    return { socket, received };
  }

  it("is cut off", async () => {
    const { socket } = await begin("/v1/sign-in");
    await once(socket, "close");
    expect(socket.destroyed).toBe(true);
  });

  it("is waited for where blobs come in", async () => {
    const { socket, received } = await begin("/v2/blob");
    const { socket: slow } = await begin("/v1/sign-in");
    // By then the limit is over for both.
    await once(slow, "close");
    socket.write("ll");
    await expect.poll(() => received.join("")).toMatch(/^HTTP\/1\.1 200/);
    socket.destroy();
  });

  it("is not one without a body, however long its answer takes", async () => {
    const address = `http://127.0.0.1:${port}/v1/slow`;
    expect(await (await fetch(address)).text()).toBe("all of it");
  });

  it("is answered when the body comes in time", async () => {
    const { socket, received } = await begin("/v1/sign-in");
    socket.write("ll");
    await expect.poll(() => received.join("")).toMatch(/^HTTP\/1\.1 200/);
    socket.destroy();
  });
});
