import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ENVIRONMENT, MAIN } from "../support/built-program.ts";
import { onPostgres } from "../support/databases.ts";
import { startServerProcess } from "../support/server-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** Runs a command of the program that must not start; returns what it said and its status. */
async function refused(
  settings: Readonly<Record<string, string>>,
  command = "serve",
): Promise<{ readonly lines: readonly string[]; readonly status: number | null }> {
  const child = spawn(process.execPath, [MAIN, command], {
    env: { ...ENVIRONMENT, HEADGATE_LOG_LEVEL: "warn", ...settings },
    stdio: ["ignore", "ignore", "pipe"],
    timeout: 40_000,
    killSignal: "SIGKILL",
  });
  const said: Buffer[] = [];
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk));
  const [status] = (await once(child, "close")) as [number | null];
  return { lines: Buffer.concat(said).toString().trimEnd().split("\n"), status };
}

describe("a server that cannot start says so in one line and ends with status 1", () => {
  let directory = "";
  let remove: () => Promise<void>;
  beforeAll(async () => {
    ({ path: directory, remove } = await temporaryDirectory());
    await writeFile(join(directory, "file"), "not a folder");
    await writeFile(join(directory, "key"), "not a key\n", { mode: 0o600 });
  });
  afterAll(() => remove());
  const at = (name: string) => join(directory, name);

  test.each([
    [{ HEADGATE_PORT: "abc" }, "HEADGATE_PORT must be a whole number from 0 to 65535"],
    [{ HEADGATE_PUBLIC_URL: "ftp://x" }, "HEADGATE_PUBLIC_URL must be an http or https address"],
    [
      { HEADGATE_PUBLIC_URL: "https://user@headgate.example.com" },
      "HEADGATE_PUBLIC_URL must have no user, path or query",
    ],
    [
      { HEADGATE_TRUST_PROXY: "10.0.0.0/99" },
      "HEADGATE_TRUST_PROXY must be true, false, or addresses and networks",
    ],
    [
      { HEADGATE_TRUST_PROXY: "somebody" },
      "HEADGATE_TRUST_PROXY must be true, false, or addresses and networks",
    ],
    [{ HEADGATE_ADMIN_TOKEN: "x".repeat(31) }, "HEADGATE_ADMIN_TOKEN must have 32 characters or more"],
    [{ HEADGATE_LOG_LEVEL: "loud" }, "HEADGATE_LOG_LEVEL "],
    [{ HEADGATE_OPEN_METRICS: "yes" }, "HEADGATE_OPEN_METRICS must be true or false"],
    [{ HEADGATE_SHARED_FILES: "1" }, "HEADGATE_SHARED_FILES must be true or false"],
    [{ DATABASE_URL: "mysql://x" }, "DATABASE_URL must begin with postgres://"],
  ])("%j", async (settings, words) => {
    const { lines, status } = await refused({ HEADGATE_DATA_DIR: at("never"), ...settings });
    expect([lines, status]).toEqual([[expect.stringContaining(`headgate: ${words}`) as string], 1]);
  });

  test("a data directory that cannot be one", async () => {
    const { lines, status } = await refused({ HEADGATE_PORT: "0", HEADGATE_DATA_DIR: at("file/data") });
    expect([lines, status]).toEqual([
      [expect.stringContaining("headgate: HEADGATE_DATA_DIR: ") as string],
      1,
    ]);
  });

  test.each([
    ["missing", "Cannot read the key file"],
    ["key", "must hold one line of base64"],
  ])("a key file that is %s", async (name, words) => {
    const settings = { HEADGATE_PORT: "0", HEADGATE_DATA_DIR: at("keys"), HEADGATE_KEY_FILE: at(name) };
    const { lines, status } = await refused(settings);
    expect([lines, status]).toEqual([[expect.stringContaining(words) as string], 1]);
  });

  test("an address that is taken, and one that is not ours", async () => {
    const taken = createServer().listen(0, "127.0.0.1");
    await once(taken, "listening");
    const HEADGATE_PORT = String((taken.address() as AddressInfo).port);
    const words = `headgate: HEADGATE_HOST and HEADGATE_PORT: 127.0.0.1:${HEADGATE_PORT} cannot be used: `;
    const { lines, status } = await refused({ HEADGATE_PORT, HEADGATE_DATA_DIR: at("taken") });
    expect([lines, status]).toEqual([[expect.stringContaining(words) as string], 1]);
    taken.close();
    const elsewhere = await refused({
      HEADGATE_HOST: "192.0.2.7",
      HEADGATE_PORT: "0",
      HEADGATE_DATA_DIR: at("taken"),
    });
    expect(elsewhere).toMatchObject({
      lines: [expect.stringContaining("HEADGATE_HOST and HEADGATE_PORT: 192.0.2.7:0 cannot be used: ")],
      status: 1,
    });
  });

  test("a data directory that another process has", async () => {
    const settings = { HEADGATE_PORT: "0", HEADGATE_DATA_DIR: at("shared") };
    const first = await startServerProcess(settings);
    const { lines, status } = await refused(settings);
    expect([lines, status]).toEqual([
      [expect.stringContaining("is in use by another Headgate process") as string],
      1,
    ]);
    expect(await first.stop()).toBe(0);
  });

  test("the key of another installation", async () => {
    const one = { HEADGATE_PORT: "0", HEADGATE_DATA_DIR: at("first") };
    expect(await (await startServerProcess(one)).stop()).toBe(0);
    await writeFile(at("other-key"), `${Buffer.alloc(32, "other").toString("base64")}\n`, { mode: 0o600 });
    const { lines, status } = await refused({ ...one, HEADGATE_KEY_FILE: at("other-key") });
    expect([lines, status]).toEqual([
      [expect.stringContaining("is not the one that sealed this database's secrets") as string],
      1,
    ]);
  });

  test.each(["127.0.0.1", "localhost"])(
    "a PostgreSQL at %s that does not answer; its password stays unsaid",
    async (host) => {
      for (const command of ["serve", "worker", "migrate"]) {
        const DATABASE_URL = `postgres://headgate:hush-hush@${host}:1/headgate`;
        const { lines, status } = await refused(
          { HEADGATE_PORT: "0", HEADGATE_DATA_DIR: at("pg"), DATABASE_URL },
          command,
        );
        expect([lines, status]).toEqual([
          [expect.stringMatching(/^headgate: PostgreSQL cannot be reached with DATABASE_URL: .+/) as string],
          1,
        ]);
        expect(lines.join()).not.toContain("hush-hush");
      }
    },
  );
});

onPostgres((engine) => {
  test("PostgreSQL without a key file is refused", async () => {
    const options = await engine.place();
    const { path, remove } = await temporaryDirectory();
    const settings = {
      HEADGATE_PORT: "0",
      HEADGATE_DATA_DIR: path,
      DATABASE_URL: options.kind === "postgres" ? options.url : "",
    };
    const { lines, status } = await refused(settings);
    expect([lines, status]).toEqual([[expect.stringContaining("HEADGATE_KEY_FILE") as string], 1]);
    await remove();
  });
});
