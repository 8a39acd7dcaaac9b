import { randomBytes } from "node:crypto";
import { chmod, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { StartError } from "../kernel/errors.ts";
import { loadKey } from "./key-file.ts";

let directory: Awaited<ReturnType<typeof temporaryDirectory>>;
beforeEach(async () => {
  directory = await temporaryDirectory();
});
afterEach(() => directory.remove());

const named = (keyFile: string) => loadKey({ keyFile, dataDirectory: directory.path, mayGenerate: true });
const own = (mayGenerate: boolean, dataDirectory = directory.path) =>
  loadKey({ keyFile: null, dataDirectory, mayGenerate });

async function keyFile(text: string, mode = 0o600): Promise<string> {
  const path = join(directory.path, "named.key");
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
}

describe("the key file", () => {
  it("is made in the data directory, for its owner only, and read again at the next start", async () => {
    const first = await own(true);
    expect(first).toHaveLength(32);
    const path = join(directory.path, "headgate.key");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, "utf8")).toBe(`${first.toString("base64")}\n`);
    expect(await own(true)).toEqual(first);
    expect(await readdir(directory.path)).toEqual(["headgate.key"]);
  });

  it("is made together with a data directory that is not there yet", async () => {
    expect(await own(true, join(directory.path, "data"))).toHaveLength(32);
  });

  it("must be named where several replicas need the same key", async () => {
    await expect(own(false)).rejects.toThrow(/HEADGATE_KEY_FILE/);
    await expect(own(false)).rejects.toBeInstanceOf(StartError);
    expect(await readdir(directory.path)).toEqual([]);
  });

  it("is read where the operator put it", async () => {
    const key = randomBytes(32);
    expect(await named(await keyFile(key.toString("base64")))).toEqual(key);
  });

  it("is never made where the operator named one", async () => {
    const missing = join(directory.path, "missing.key");
    await expect(named(missing)).rejects.toThrow(`Cannot read the key file ${missing}`);
    expect(await readdir(directory.path)).toEqual([]);
  });

  it.each([0o640, 0o604, 0o660, 0o644])(
    "is refused when other users may touch it (mode %o)",
    async (mode) => {
      const path = await keyFile(randomBytes(32).toString("base64"), mode);
      await expect(named(path)).rejects.toThrow(`The key file ${path} is open to other users`);
    },
  );

  it.each([
    ["empty", ""],
    ["too short", randomBytes(31).toString("base64")],
    ["too long", randomBytes(33).toString("base64")],
    ["hex", randomBytes(32).toString("hex")],
    ["not base64", `${"*".repeat(43)}=`],
    ["two lines", `${randomBytes(16).toString("base64")}\n${randomBytes(16).toString("base64")}`],
  ])("is refused when its text is %s", async (_, text) => {
    await expect(named(await keyFile(text))).rejects.toThrow(/one line of base64 that stands for 32 bytes/);
  });
});
