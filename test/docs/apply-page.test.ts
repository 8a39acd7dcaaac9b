import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { startHeadgate, type TestServer } from "../cli/headgate.ts";
import { writeCommands } from "../support/deploy-scene.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const env = { PROD_PASSWORD: "hush hush", GITHUB_TOKEN: "ghp_of_nobody", ANA_PASSWORD: "correct horse" };

let folder: { path: string; remove: () => Promise<void> };
let test: TestServer;
let example: string;
beforeAll(async () => {
  folder = await temporaryDirectory();
  const commands = await writeCommands(folder.path, { "deploy-shop": "exit 0" });
  test = await startHeadgate({ HEADGATE_COMMANDS_FILE: commands });
  const page = await readFile(new URL("../../docs/operate/apply.md", import.meta.url), "utf8");
  example = /```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? "";
});
afterAll(async () => {
  await test.close();
  await folder.remove();
});

const apply = async (text: string, ...args: string[]): Promise<string> => {
  const file = join(folder.path, "headgate.yaml");
  await writeFile(file, text);
  const ended = await test.headgate(["apply", "-f", file, ...args], { env });
  expect([ended.code, ended.code === 0 ? "" : ended.stderr]).toEqual([0, ""]);
  return ended.stdout;
};
const list = async (...args: string[]): Promise<string> => (await test.headgate(args)).stdout;

it("shows an example that is applied as it stands, once", async () => {
  expect(await apply(example, "--yes")).toContain("+ environment shop/prod: ");
  expect(await list("environment", "list", "shop")).toMatch(/^staging .*\n(?:.*\n)*prod +production /m);
  expect(await list("workflow", "list", "shop")).toMatch(/^deploy +command +deploy-shop/m);
  expect(await list("freeze", "list")).toMatch(/office-hours.*Europe\/Berlin/);
  expect(await apply(example)).toBe("Nothing to change: everything is as the file says.\n");
});

it("says what happens to freezes that a list has no more, and to environments that it does not name", async () => {
  const less = example
    .replace(/ {2}- name: winter[\s\S]*?(?= {2}- name: office-hours)/, "")
    .replace(/ {6}- \{ name: staging.*\n/, "");
  expect(less.length).toBeLessThan(example.length - 200);
  expect(await apply(less, "--yes")).toBe("- freeze winter\n");
  expect(await list("freeze", "list")).not.toContain("winter");
  expect(await list("environment", "list", "shop")).toContain("staging");
});
