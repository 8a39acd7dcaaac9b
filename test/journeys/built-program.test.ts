import { execFile } from "node:child_process";
import { readdir, readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import type { RunOrder } from "../../src/connectors/ci-providers/command/run-order.ts";
import { MAIN } from "../support/built-program.ts";
import { eachEngine } from "../support/databases.ts";
import { clientOf, settingsFor, valueAt } from "../support/server.ts";
import { startServerProcess } from "../support/server-process.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const run = promisify(execFile);
const FOLDER = dirname(MAIN);

/** What is published: the program as `npm run build` makes it. */
eachEngine((engine) => {
  test("it starts, keeps what it is given, reads YAML and shows its reference page", async () => {
    const settings = await settingsFor(await engine.place());
    const server = await startServerProcess(settings);
    try {
      const client = clientOf(server.url, settings.HEADGATE_ADMIN_TOKEN);
      expect((await client.send("GET", "/readyz")).status).toBe(200);
      const made = await client.send("POST", "/v1/projects", { body: { key: "shop" } });
      expect([made.status, valueAt(made.json, "key")]).toEqual([201, "shop"]);
      const broken = await client.send("POST", "/v1/projects/shop/releases", {
        body: { version: "1.0.0", services: [{ name: "api", yaml: "a: [", images: [] }] },
      });
      expect(broken.status).toBe(400);
      expect(broken.text).toContain("line 1");
      expect((await client.send("GET", "/docs/openapi.json")).text).toContain('"openapi"');
      expect((await client.send("GET", "/metrics")).text).toContain("headgate_nodejs_");
    } finally {
      expect(await server.stop()).toBe(0);
    }
  });

  test("the wrapper of programs lies beside it, and carries one out by itself", async () => {
    const runs = await temporaryDirectory();
    const order: RunOrder = {
      id: "0123456789abcdef01234567",
      runsDirectory: runs.path,
      program: "says",
      argv: ["/bin/echo", "hello"],
      workingDirectory: "/",
      account: null,
      environment: {},
      secrets: [],
      timeoutMillis: 60_000,
      logLimitBytes: 4096,
      releaseJson: "{}",
    };
    const wrapper = run(process.execPath, [join(FOLDER, "run-wrapper.js")], { env: {} });
    wrapper.child.stdin?.end(JSON.stringify(order));
    expect((await wrapper).stdout).toBe('{"kind":"claimed"}\n');
    expect(await readFile(join(runs.path, order.id, "log-0"), "utf8")).toBe("hello\n");
    expect(await readFile(join(runs.path, order.id, "end.json"), "utf8")).toContain('"code":0');
    await runs.remove();
  });

  test("its command line knows every command, and the licences of what it took in lie beside it", async () => {
    const { stdout } = await run(process.execPath, [MAIN, "--help"]);
    for (const command of ["serve", "worker", "migrate", "project", "release"])
      expect(stdout).toMatch(new RegExp(`^  ${command} `, "m"));
    expect(await readdir(join(FOLDER, "licenses"))).toContain("zod.txt");
  });
});
