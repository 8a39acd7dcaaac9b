import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProgramScene, programScene } from "../../../../test/support/programs.ts";
import type { RunOrder } from "./run-order.ts";
import { startWrapper } from "./start-wrapper.ts";

let scene: ProgramScene;
beforeAll(async () => {
  scene = await programScene({
    prints: {
      script: 'echo "token is $HEADGATE_API_TOKEN, key is $DEPLOY_PASSWORD" >&2\nexit 1',
      environment: { DEPLOY_PASSWORD: "operators-own" },
    },
    chatters: {
      script: 'i=0; while [ $i -lt 20000 ]; do echo "line $i"; i=$((i+1)); done',
      logLimitBytes: 4096,
    },
    parents: { argv: ["/bin/sh", "-c", "tr '\\0' '\\n' < /proc/$PPID/environ; echo end"] },
  });
});
afterAll(() => scene.remove());

const orderOf = (argv: readonly string[], change: Partial<RunOrder> = {}): RunOrder => ({
  id: scene.request("any").id,
  runsDirectory: scene.provider.runsDirectory,
  program: "any",
  argv,
  workingDirectory: "/",
  account: null,
  environment: {},
  secrets: [],
  timeoutMillis: 60_000,
  logLimitBytes: 4096,
  releaseJson: "{}",
  ...change,
});

describe("the wrapper of a run", () => {
  it("keeps secrets out of the log and of what is said of a failure", async () => {
    const request = scene.request("prints", { HEADGATE_API_TOKEN: "callers-token" });
    const { text } = await scene.runToEnd(request);
    expect(text).toBe("exit code 1: token is ***, key is ***");
    const folder = join(scene.provider.runsDirectory, request.id);
    const files = await Promise.all(
      (await readdir(folder)).map((name) => readFile(join(folder, name), "utf8")),
    );
    expect(files.join("\n")).not.toMatch(/callers-token|operators-own/);
  });

  it("keeps the log within its limit, with its beginning and its end", async () => {
    const request = scene.request("chatters");
    expect(await scene.runToEnd(request)).toMatchObject({ state: "success" });
    const log = (await scene.provider.readLog(request.id, 10_000)) ?? "";
    expect(log).toMatch(/^line 0\nline 1\n[^]*\n\[\d+ bytes of the log were left out\]\n[^]*line 19999\n$/);
    expect(log.length).toBeLessThan(4200);
  });

  it("has nothing of the server's environment, in which a program could look", async () => {
    const request = scene.request("parents");
    await scene.runToEnd(request);
    expect(await scene.provider.readLog(request.id, 10_000)).toBe("end\n");
  });

  it("ends a program that is over its time, with what it has started", async () => {
    const order = orderOf(["/bin/sh", "-c", "echo begun; sleep 300"], { timeoutMillis: 500 });
    expect(await startWrapper(order, () => true)).toEqual({ kind: "claimed" });
    const request = { ...scene.request("any"), id: order.id };
    expect(await scene.untilEnded(request)).toMatchObject({
      state: "failure",
      text: "over its time limit, ended by SIGTERM: begun",
    });
  });

  it("ends a program that does not listen ten seconds later", async () => {
    const order = orderOf(["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1; done"], {
      timeoutMillis: 500,
    });
    await startWrapper(order, () => true);
    expect(await scene.untilEnded({ ...scene.request("any"), id: order.id })).toMatchObject({
      state: "failure",
      text: "over its time limit, ended by SIGKILL",
    });
  });

  it("says so when another one has the run, and takes nothing from it", async () => {
    const order = orderOf(["/bin/true"]);
    expect(await startWrapper(order, () => true)).toEqual({ kind: "claimed" });
    expect(await startWrapper(order, () => true)).toEqual({ kind: "taken" });
  });

  it("claims nothing when its order was cut off, as by the death of who gives it", async () => {
    const order = orderOf(["/bin/true"]);
    const file = fileURLToPath(new URL("./run-wrapper.ts", import.meta.url));
    const wrapper = spawn(process.execPath, [file], { stdio: ["pipe", "ignore", "ignore"] });
    wrapper.stdin.end(JSON.stringify(order).slice(0, -1));
    expect(await once(wrapper, "exit")).toEqual([1, null]);
    expect(await readdir(scene.provider.runsDirectory)).not.toContain(order.id);
  });

  it("fails without a claim where it may not write", async () => {
    const order = orderOf(["/bin/true"], { runsDirectory: join(scene.folder, "nowhere") });
    expect(await startWrapper(order, () => false)).toEqual({ kind: "failed", text: "ENOENT" });
  });
});
