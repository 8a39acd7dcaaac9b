import { afterEach, describe, expect, test } from "vitest";
import { readConfig } from "../../src/config.ts";
import { StartError } from "../../src/kernel/errors.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** What a proxy that appends to X-Forwarded-For sends when its client, 192.0.2.7, wrote a header of its own. */
const FORWARDED = "198.51.100.66, 192.0.2.7";

describe("behind a proxy", () => {
  let server: TestServer | null = null;
  afterEach(async () => {
    await server?.stop();
    server = null;
  });

  async function recordedAddress(trustProxy: string): Promise<unknown> {
    const { path } = await temporaryDirectory();
    server = await startTestServer(
      { kind: "embedded", directory: path },
      { HEADGATE_TRUST_PROXY: trustProxy },
    );
    await server.send("POST", "/v1/projects", {
      body: { key: "shop" },
      headers: { "x-forwarded-for": FORWARDED },
    });
    const events = async () => (await server?.send("GET", "/v1/events?project=shop"))?.json;
    await expect.poll(async () => valueAt(await events(), "items", "length")).toBe(1);
    return valueAt(await events(), "items", 0, "address");
  }

  test.each([
    ["false", "127.0.0.1"],
    ["true", "192.0.2.7"],
    ["127.0.0.0/8", "192.0.2.7"],
    ["127.0.0.1,192.0.2.0/24", "198.51.100.66"],
    ["10.0.0.0/8", "127.0.0.1"],
  ])(
    "with HEADGATE_TRUST_PROXY=%s nobody writes an address into the audit log but a proxy: %s",
    async (setting, address) => {
      expect(await recordedAddress(setting)).toBe(address);
    },
  );
});

test.each(["http://headgate", "http://headgate:80", "https://headgate.example.com./"])(
  "HEADGATE_PUBLIC_URL=%s stops the start: no image reference can begin with that host",
  (url) => {
    expect(() => readConfig({ HEADGATE_PUBLIC_URL: url })).toThrow(StartError);
    expect(() => readConfig({ HEADGATE_PUBLIC_URL: url })).toThrow(/^HEADGATE_PUBLIC_URL must have a host/);
  },
);

test.each(["https://headgate.example.com", "http://headgate:7420", "http://localhost", "http://[::1]:7420"])(
  "HEADGATE_PUBLIC_URL=%s is taken",
  (url) => {
    expect(readConfig({ HEADGATE_PUBLIC_URL: url }).publicUrl).toBe(url);
  },
);

test.each(["garbage", "http://", "ftp://headgate.example.com", "http://headgate.example.com/path"])(
  "HEADGATE_PUBLIC_URL=%s stops the start with a line that names it",
  (url) => {
    expect(() => readConfig({ HEADGATE_PUBLIC_URL: url })).toThrow(/^HEADGATE_PUBLIC_URL must /);
  },
);
