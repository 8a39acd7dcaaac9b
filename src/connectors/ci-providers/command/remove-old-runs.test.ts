import { mkdir, readdir, readFile, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type ProgramScene, programScene, until, WAIT } from "../../../../test/support/programs.ts";
import { isAlive } from "./process-identity.ts";
import { removeOldRuns } from "./remove-old-runs.ts";

const DAY = 86_400_000;
const later = (days: number): Date => new Date(Date.now() + days * DAY);

let scene: ProgramScene;
beforeAll(async () => {
  scene = await programScene({ quick: { script: "exit 0" }, waits: { script: WAIT } });
});
afterAll(() => scene.remove());

describe("the sweep of old runs", () => {
  it("removes what ended more than 30 days ago, and nothing else", async () => {
    const { runsDirectory } = scene.provider;
    const quick = scene.request("quick");
    const go = join(scene.folder, "go");
    const [waits, lost] = [1, 2].map(() => scene.request("waits", { HEADGATE_GO: go }));
    if (!waits || !lost) throw new Error("no requests");
    await scene.runToEnd(quick);
    await scene.provider.start(waits);
    await scene.provider.start(lost);
    const { wrapper, program } = await scene.processesOf(lost.id);
    for (const record of [wrapper, program]) process.kill(record.pid, "SIGKILL");
    await until(() => (isAlive(wrapper) || isAlive(program) ? null : true));
    await mkdir(join(runsDirectory, ".new-abcdef"));
    await mkdir(join(runsDirectory, "not-ours"));

    expect(await removeOldRuns(runsDirectory, later(0))).toBe(0);
    expect(await removeOldRuns(runsDirectory, later(2))).toBe(1);
    expect(await removeOldRuns(runsDirectory, later(29.9))).toBe(0);
    expect(await removeOldRuns(runsDirectory, later(30.1))).toBe(2);
    expect((await readdir(runsDirectory)).toSorted()).toEqual([waits.id, "not-ours"].toSorted());
    expect(await scene.provider.read(quick.id, quick)).toBeNull();

    await writeFile(go, "");
    expect(await scene.untilEnded(waits)).toMatchObject({ state: "success" });
    expect(await removeOldRuns(runsDirectory, later(31))).toBe(1);
  });

  it("removes a directory of which nobody knows what it was, once it is old", async () => {
    const { id } = scene.request("quick");
    const folder = join(scene.provider.runsDirectory, id);
    await mkdir(folder);
    await utimes(folder, later(-1), later(-1));
    expect(await removeOldRuns(scene.provider.runsDirectory, later(0))).toBe(0);
    expect(await removeOldRuns(scene.provider.runsDirectory, later(30))).toBe(1);
    await expect(readFile(folder)).rejects.toThrow("ENOENT");
  });

  it("has nothing to do where nothing has ever run", async () => {
    expect(await removeOldRuns(join(scene.folder, "nowhere"), later(100))).toBe(0);
  });
});
