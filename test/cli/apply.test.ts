import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { startHeadgate, type TestServer } from "./headgate.ts";

const FILE = `# what the shop needs
projects:
  - key: shop
    name: The shop
    services: [api, web]
connections:
  - name: prod
    host: registry.example
    username: robot
    password: { fromEnv: PROD_PASSWORD }
    projects: [shop]
  - name: build
    host: build.example
    projects: all
users:
  - name: ana
    password:
      fromEnv: ANA_PASSWORD
    roles: { shop: releaser }
`;
const env = { PROD_PASSWORD: "hush hush", ANA_PASSWORD: "correct horse battery" };

describe("headgate apply", () => {
  let test: TestServer;
  let folder: { path: string; remove: () => Promise<void> };
  beforeAll(async () => {
    folder = await temporaryDirectory();
    test = await startHeadgate();
  });
  afterAll(async () => {
    await test.close();
    await folder.remove();
  });

  const fileWith = async (text: string): Promise<string> => {
    const file = join(folder.path, "headgate.yaml");
    await writeFile(file, text);
    return file;
  };
  const apply = async (text: string, ...args: string[]) =>
    test.headgate(["apply", "-f", await fileWith(text), ...args], { env });

  it("shows the plan, asks for a yes, applies it, and has nothing to do the second time", async () => {
    const plan =
      "+ project shop: name The shop\n+ service shop/api\n+ service shop/web\n" +
      "+ connection prod: host registry.example, username robot, projects shop, password ***\n" +
      "+ connection build: host build.example, projects all\n" +
      "+ user ana: password ***, roles.shop releaser\n";
    expect(await apply(FILE, "--dry-run")).toEqual({ code: 0, stdout: plan, stderr: "" });
    const unasked = await apply(FILE);
    expect(unasked).toMatchObject({ code: 2, stdout: plan });
    expect(unasked.stderr).toMatch(/6 to create, 0 to change.*--yes/);
    expect((await test.headgate(["project", "show", "shop"])).code).toBe(1);
    expect(await apply(FILE, "--yes")).toEqual({ code: 0, stdout: plan, stderr: "Applied.\n" });
    expect(await apply(FILE)).toEqual({
      code: 0,
      stdout: "Nothing to change: everything is as the file says.\n",
      stderr: "",
    });
    const login = await test.headgate(["login", "--user", "ana"], {
      env: { HEADGATE_TOKEN: "", HEADGATE_PASSWORD: env.ANA_PASSWORD },
    });
    expect(login.code).toBe(0);
  });

  it("shows single changes, as text and as JSON, and reads standard input", async () => {
    const changed = FILE.replace("host: build.example", "host: 127.0.0.1:5000").replace(
      "shop: releaser",
      "shop: admin",
    );
    expect((await apply(changed, "--dry-run")).stdout).toBe(
      "~ connection build: host build.example → 127.0.0.1:5000\n~ user ana: roles.shop releaser → admin\n",
    );
    const { stdout, stderr } = await test.headgate(["apply", "-f", "-", "--yes", "--json"], {
      env,
      input: changed,
    });
    expect(stderr).toBe("");
    expect(JSON.parse(stdout)).toEqual({
      applied: true,
      changes: [
        {
          action: "change",
          kind: "connection",
          name: "build",
          field: "host",
          before: "build.example",
          after: "127.0.0.1:5000",
        },
        {
          action: "change",
          kind: "user",
          name: "ana",
          field: "roles.shop",
          before: "releaser",
          after: "admin",
        },
      ],
    });
    const again = await apply(changed, "--json");
    expect(JSON.parse(again.stdout)).toEqual({ applied: false, changes: [] });
  });

  it("says where the file is wrong, by line, column and path, and sends nothing then", async () => {
    const bad: [string, RegExp][] = [
      [
        "projects:\n  - key: shop\n    nmae: Shop\n",
        /line 3, column 5: projects\.0\.nmae: there is no such field/,
      ],
      ["projects:\n  - name: Shop\n", /line 2, column 5: projects\.0\.key: /],
      ["projects:\n  - key: Not A Key\n", /line 2, column 10: projects\.0\.key: must be lower-case/],
      ["projcets: []\n", /line 1, column 1: projcets: there is no such field/],
      [
        "users:\n  - name: ana\n    password: hunter2 hunter2\n",
        /line 3, column 15: users\.0\.password: must be \{ fromEnv/,
      ],
      ["users:\n  - name: ana\n    name: bo\n", /line 3, column 5: .*unique/i],
      ["projects: [\n", /line \d, column \d+: /],
      [
        "a: &a [x, x]\nb: &b [*a, *a]\nc: &c [*b, *b]\nd: &d [*c, *c, *c, *c]\ne: [*d, *d, *d, *d, *d, *d]\n",
        /alias/,
      ],
      ["a: 1\n---\nb: 2\n", /line 2, column 1: .*documents/],
      ["", /expected object|is empty/],
      [`# ${"x".repeat(1024 * 1024)}\n`, /larger than 1 MiB/],
    ];
    for (const [text, words] of bad) {
      const ended = await apply(text, "--yes");
      expect(ended).toMatchObject({ code: 1, stdout: "" });
      expect(ended.stderr).toMatch(words);
      expect(ended.stderr).not.toContain("hunter2");
    }
    expect((await test.headgate(["apply", "-f", join(folder.path, "none.yaml")])).stderr).toMatch(
      /none\.yaml/,
    );
    expect((await test.headgate(["apply"])).code).toBe(2);
  });

  it("names every environment variable that is missing, and shows no secret in any answer", async () => {
    const file = await fileWith(FILE);
    const none = await test.headgate(["apply", "-f", file, "--yes"], { env: { ANA_PASSWORD: "" } });
    expect(none).toMatchObject({ code: 1, stdout: "" });
    expect(none.stderr).toMatch(
      /connections\.0\.password: the environment variable PROD_PASSWORD is not set/,
    );
    expect(none.stderr).toMatch(/users\.0\.password: the environment variable ANA_PASSWORD is not set/);
    const short = await test.headgate(["apply", "-f", file, "--yes"], {
      env: { PROD_PASSWORD: "hush hush", ANA_PASSWORD: "tooshort!" },
    });
    expect(short.code).toBe(1);
    expect(short.stderr).toMatch(/users\.0\.password: /);
    expect(short.stderr + short.stdout).not.toMatch(/tooshort|hush hush/);
  });
});
