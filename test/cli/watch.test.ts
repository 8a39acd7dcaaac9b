import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ENVIRONMENT, MAIN } from "../support/built-program.ts";
import { pushTestImage } from "../support/images.ts";
import { describeWith } from "../support/real-parts.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { ADMIN_TOKEN, runProgram } from "./headgate.ts";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address !== null ? address.port : 0;
}

describeWith(["docker-registry"], "headgate as processes", () => {
  let directory: { path: string; remove: () => Promise<void> };
  let registry: TestRegistry;
  let locked: TestRegistry;
  let env: Record<string, string>;
  const servers: ChildProcess[] = [];
  beforeAll(async () => {
    directory = await temporaryDirectory();
    [registry, locked] = await Promise.all([
      startRegistry({ auth: "open" }),
      startRegistry({ auth: "token" }),
    ]);
    const port = await freePort();
    env = {
      ...ENVIRONMENT,
      HEADGATE_PORT: String(port),
      HEADGATE_URL: `http://127.0.0.1:${port}`,
      HEADGATE_DATA_DIR: directory.path,
      HEADGATE_ADMIN_TOKEN: ADMIN_TOKEN,
      HEADGATE_TOKEN: ADMIN_TOKEN,
      HEADGATE_LOG_LEVEL: "silent",
      XDG_CONFIG_HOME: directory.path,
    };
  });
  afterAll(async () => {
    for (const server of servers) server.kill("SIGKILL");
    await Promise.all([registry.stop(), locked.stop()]);
    await directory.remove();
  });

  const serve = async (...args: string[]): Promise<ChildProcess> => {
    const server = spawn(process.execPath, [MAIN, "serve", ...args], {
      env,
      stdio: ["ignore", "ignore", "pipe"],
    });
    servers.push(server);
    for await (const line of createInterface({ input: server.stderr }))
      if (line.includes("is ready at")) break;
    server.stderr.resume();
    return server;
  };
  const open = ["--plain-http", "--allow-private", "--all-projects"];
  const headgate = (...args: string[]) => runProgram(args, env);

  it("watches on while the server is killed and comes back, until the copy has ended", async () => {
    await pushTestImage(registry.host, "shop/api", "1", { seed: "watched" });
    const first = await serve("--without-tasks");
    await headgate("project", "create", "shop");
    await headgate("registry", "add", "all", "--host", registry.host, "--namespace", "live", ...open);
    const image = `api/api=${registry.host}/shop/api:1`;
    const reader = await headgate(
      "registry",
      "add",
      "build",
      "--host",
      registry.host,
      "--namespace",
      "shop",
      ...open,
    );
    expect(reader.stderr).toBe("");
    const which = ["--project", "shop", "--version", "1"];
    const made = await headgate("release", "create", ...which, "--registry", "all", "--image", image);
    expect(made).toMatchObject({ code: 0, stderr: "" });
    const watcher = spawn(
      process.execPath,
      [MAIN, "release", "watch", "--project", "shop", "--version", "1"],
      { env },
    );
    const said = text(watcher.stdout);
    await once(watcher.stdout, "data");
    first.kill("SIGKILL");
    const [complaint] = (await once(watcher.stderr, "data")) as [Buffer];
    expect(String(complaint)).toMatch(/No answer from the server .*still trying/);
    await serve();
    const [code] = (await once(watcher, "exit")) as [number];
    expect(code).toBe(0);
    expect(await said).toMatch(/^creating: 0 of 1 images\n(.*\n)*api\/api: verified/);
  });

  it("gives the password to a token host only when that was confirmed", async () => {
    const add = [
      "registry",
      "add",
      "locked",
      "--host",
      locked.host,
      "--username",
      locked.username ?? "",
      ...open,
    ];
    const added = await runProgram(add, { ...env, HEADGATE_REGISTRY_PASSWORD: locked.password ?? "" });
    expect(added.stderr).toBe("");
    const first = await headgate("registry", "test", "locked");
    expect(first.code).toBe(1);
    expect(first.stderr).toMatch(/has its tokens made by 127\.0\.0\.1:\d+\.\n.*--confirm-token-host/);
    const second = await headgate("registry", "test", "locked", "--confirm-token-host");
    expect(second).toMatchObject({ code: 0, stderr: "" });
    expect((await headgate("registry", "show", "locked")).stdout).toMatch(/^token hosts +127\.0\.0\.1:\d+$/m);
    expect((await headgate("registry", "test", "locked")).code).toBe(0);
  });
});
