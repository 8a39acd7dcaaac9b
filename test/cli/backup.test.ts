import { readdir } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHeadgate, type TestServer } from "./headgate.ts";

describe("headgate backup", () => {
  let test: TestServer;
  beforeAll(async () => {
    test = await startHeadgate();
  });
  afterAll(() => test.close());

  it("prints the folder for scripts, and how to restore it for people", async () => {
    const { code, stdout, stderr } = await test.headgate(["backup", "--name", "before-upgrade"]);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^\/.*\/backups\/before-upgrade\n$/);
    expect(stderr).toMatch(/^Saved: .* of database, 0 blobs of 0 B/);
    expect(stderr).toMatch(/HEADGATE_DATA_DIR.*headgate\.key/);
    expect((await readdir(stdout.trim())).toSorted()).toEqual(["backup.json", "headgate.db", "registry"]);
    const again = await test.headgate(["backup", "--name", "before-upgrade"]);
    expect(again).toMatchObject({ code: 1, stdout: "" });
    expect(again.stderr).toMatch(/exists/);
    const list = await test.headgate(["backup", "--list"]);
    expect(list.stdout).toMatch(/^before-upgrade +\d{4}-/m);
    const json = await test.headgate(["backup", "--list", "--json"]);
    expect(JSON.parse(json.stdout)).toMatchObject([{ name: "before-upgrade" }]);
    expect((await test.headgate(["backup", "--list", "--name", "x"])).code).toBe(2);
  });
});
