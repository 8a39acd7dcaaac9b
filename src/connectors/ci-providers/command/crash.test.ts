import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProgramScene, programScene, until, WAIT } from "../../../../test/support/programs.ts";
import { HERE, identify, isAlive, signalGroup } from "./process-identity.ts";
import { type ProcessRecord, RunClaim } from "./run-records.ts";

const STARTER = fileURLToPath(new URL("../../../../test/support/program-starter-worker.ts", import.meta.url));

let scene: ProgramScene;
let innocent: ChildProcess;
beforeAll(async () => {
  scene = await programScene({
    waits: { script: `echo begun >> "$HEADGATE_GO.count"\n${WAIT}\necho goes on\nexit 3` },
    quick: { script: 'echo begun >> "$HEADGATE_GO.count"' },
    quiet: { script: `${WAIT}\nsleep 300` },
  });
  innocent = spawn("/bin/sleep", ["300"], { stdio: "ignore", detached: true });
});
afterAll(async () => {
  innocent.kill("SIGKILL");
  await scene.remove();
});

const folderOf = (id: string): string => join(scene.provider.runsDirectory, id);
const untilDead = (record: ProcessRecord) => until(() => (isAlive(record) ? null : true));

async function killNow(record: ProcessRecord): Promise<void> {
  process.kill(record.pid, "SIGKILL");
  await untilDead(record);
}

/** A run's directory as a crash may leave it. */
async function fakeRun(id: string, files: Readonly<Record<string, unknown>>): Promise<void> {
  await mkdir(folderOf(id));
  for (const [name, content] of Object.entries(files))
    await writeFile(join(folderOf(id), name), JSON.stringify(content));
}

const claimBy = (id: string, wrapper: ProcessRecord, program = "waits") => ({
  id,
  program,
  wrapper,
  claimedAt: new Date().toISOString(),
});

describe("a run whose server was killed", () => {
  it("goes on, and is read by the next one", async () => {
    const request = scene.request("waits", { HEADGATE_GO: join(scene.folder, "server") });
    const { id, inputs } = request;
    const { commandsFile, dataDirectory } = scene;
    const args = [STARTER, commandsFile, dataDirectory, id, "waits", inputs["HEADGATE_GO"] ?? ""];
    const server = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    await once(server.stdout, "data");
    const dead = once(server, "exit");
    server.kill("SIGKILL");
    await dead;

    const next = await scene.again();
    expect(await next.find(request, new Set())).toEqual({ kind: "run", run: id, url: null });
    expect(await next.read(id, request)).toMatchObject({ state: "running", isOurs: true, text: "" });
    expect(await next.start(request)).toEqual({ kind: "started", run: id, url: null });
    await writeFile(inputs["HEADGATE_GO"] ?? "", "");
    expect(await scene.untilEnded(request)).toMatchObject({
      state: "failure",
      text: "exit code 3: goes on",
    });
    expect(await readFile(`${inputs["HEADGATE_GO"]}.count`, "utf8")).toBe("begun\n");
  });

  it("survives the polite end of everything around it, too", async () => {
    const request = scene.request("waits", { HEADGATE_GO: join(scene.folder, "polite") });
    await scene.provider.start(request);
    const { wrapper } = await scene.processesOf(request.id);
    process.kill(wrapper.pid, "SIGTERM");
    process.kill(wrapper.pid, "SIGHUP");
    await writeFile(request.inputs["HEADGATE_GO"] ?? "", "");
    expect(await scene.untilEnded(request)).toMatchObject({ state: "failure" });
  });
});

describe("a run whose wrapper was killed", () => {
  it("is adopted while its program runs, then an error, and never run again", async () => {
    const go = join(scene.folder, "adopted");
    const request = scene.request("waits", { HEADGATE_GO: go });
    await scene.provider.start(request);
    const { wrapper, program } = await scene.processesOf(request.id);
    await killNow(wrapper);
    expect(await scene.provider.read(request.id, request)).toMatchObject({
      state: "running",
      text: expect.stringContaining("exit code will not be known"),
    });
    await writeFile(go, "");
    await untilDead(program);
    const lost = {
      state: "error",
      text: expect.stringContaining("how it ended is not known"),
      endedAt: null,
    };
    expect(await scene.provider.read(request.id, request)).toMatchObject(lost);
    expect(await scene.provider.start(request)).toMatchObject({ kind: "started" });
    expect(await scene.provider.read(request.id, request)).toMatchObject(lost);
    expect(await readFile(`${go}.count`, "utf8")).toBe("begun\n");
  });

  it("can be canceled while its program runs", async () => {
    const request = scene.request("quiet", { HEADGATE_GO: join(scene.folder, "adopted-cancel") });
    await scene.provider.start(request);
    const { wrapper, program } = await scene.processesOf(request.id);
    await killNow(wrapper);
    expect(await scene.provider.cancel(request.id, request, { force: false })).toBe("asked");
    await untilDead(program);
    expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "canceled" });
    expect(await scene.provider.cancel(request.id, request, { force: true })).toBe("over");
  });

  it("is an error at once when its program was killed with it, and never run again", async () => {
    const go = join(scene.folder, "both");
    const request = scene.request("waits", { HEADGATE_GO: go });
    await scene.provider.start(request);
    const { wrapper, program } = await scene.processesOf(request.id);
    await until(() => readFile(`${go}.count`).catch(() => null));
    await Promise.all([killNow(wrapper), killNow(program)]);
    expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "error" });
    expect(await scene.provider.find(request, new Set())).toMatchObject({ kind: "run" });
    await scene.provider.start(request);
    expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "error" });
    expect(await readFile(`${go}.count`, "utf8")).toBe("begun\n");
  });
});

describe("a wrapper that is killed around the start of its program", () => {
  it.for([0, 0, 1, 2, 4, 8, 16, 32])("never leads to a second run: %i ms after the claim", async (wait) => {
    const go = join(scene.folder, `early-${scene.request("quick").id}`);
    const request = scene.request("quick", { HEADGATE_GO: go });
    const start = scene.provider.start(request);
    const claim = await until(() =>
      readFile(join(folderOf(request.id), "claim.json"), "utf8").catch(() => null),
    );
    await sleep(wait);
    const { wrapper } = RunClaim.parse(JSON.parse(claim));
    if (signalGroup(wrapper, "SIGKILL")) await untilDead(wrapper);
    expect(await start).toMatchObject({ kind: "started" });
    const { state } = await scene.untilEnded(request);
    expect(["success", "error"]).toContain(state);
    expect(await scene.provider.start(request)).toMatchObject({ kind: "started" });
    expect(await scene.untilEnded(request)).toMatchObject({ state });
    expect(["", "begun\n"]).toContain(await readFile(`${go}.count`, "utf8").catch(() => ""));
  });
});

describe("what a crash may leave", () => {
  const dead = { pid: 2 ** 22 - 1, started: "1", place: HERE };

  it("is an error when nobody can tell whether the program began", async () => {
    const request = scene.request("waits");
    await fakeRun(request.id, { "claim.json": claimBy(request.id, dead) });
    expect(await scene.provider.read(request.id, request)).toMatchObject({
      state: "error",
      text: expect.stringContaining("Whether the program began is not known"),
    });
  });

  it("is an error, and not ours, when the claim is not there or is no claim", async () => {
    for (const files of [{}, { "claim.json": { id: 7 } }, { "claim.json": null }]) {
      const request = scene.request("waits");
      await fakeRun(request.id, { ...files, "log-0": "" });
      expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "error", isOurs: false });
      await scene.provider.start(request);
      expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "error" });
    }
  });

  it("counts by its end, whoever is alive", async () => {
    const request = scene.request("waits");
    const end = { code: 0, signal: null, notStarted: null, canceled: false, timedOut: false };
    await fakeRun(request.id, {
      "claim.json": claimBy(request.id, identify(process.pid) ?? dead),
      "end.json": { endedAt: new Date().toISOString(), ...end },
    });
    expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "success" });
    expect(await scene.provider.cancel(request.id, request, { force: false })).toBe("over");
  });

  it("never leads to the death of another process that has the same number now", async () => {
    const request = scene.request("waits");
    const now = identify(innocent.pid ?? 0);
    const before = { pid: innocent.pid ?? 0, started: "12345", place: HERE };
    await fakeRun(request.id, { "claim.json": claimBy(request.id, before), "program.json": before });
    expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "error" });
    expect(await scene.provider.cancel(request.id, request, { force: true })).toBe("over");
    // Also when the wrapper is alive, and only the program is not who it was.
    const wrapper = identify(process.pid) ?? dead;
    await writeFile(join(folderOf(request.id), "claim.json"), JSON.stringify(claimBy(request.id, wrapper)));
    expect(await scene.provider.cancel(request.id, request, { force: true })).toBe("asked");
    expect(signalGroup(before, "SIGKILL")).toBe(false);
    expect(signalGroup({ ...before, started: now?.started ?? "", place: "elsewhere" }, "SIGKILL")).toBe(
      false,
    );
    expect(identify(innocent.pid ?? 0)).toEqual(now);
  });

  it("runs, as far as one at another host knows, while its wrapper touches the claim", async () => {
    const request = scene.request("waits");
    const elsewhere = { pid: process.pid, started: "1", place: "elsewhere" };
    await fakeRun(request.id, { "claim.json": claimBy(request.id, elsewhere), "program.json": elsewhere });
    expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "running" });
    expect(await scene.provider.cancel(request.id, request, { force: false })).toBe("asked");
    const long = new Date(Date.now() - 121_000);
    await utimes(join(folderOf(request.id), "claim.json"), long, long);
    await rm(join(folderOf(request.id), "cancel.json"));
    expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "error" });
  });
});
