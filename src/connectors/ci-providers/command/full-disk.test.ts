import { readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import {
  describeWithLoopDisks,
  fillDisk,
  type LoopDisk,
  makeLoopDisk,
} from "../../../../test/support/loop-disk.ts";
import { type ProgramScene, programScene, until, WAIT } from "../../../../test/support/programs.ts";
import { isAlive } from "./process-identity.ts";

describeWithLoopDisks("runs on a disk that is full", () => {
  let disk: LoopDisk;
  let scene: ProgramScene;
  beforeAll(async () => {
    disk = await makeLoopDisk(32);
    scene = await programScene(
      { chatters: { script: `echo begun\n${WAIT}\nseq 1 20000\necho x > "$HEADGATE_GO.done"\nexit 3` } },
      { runsDirectory: join(dirname(disk.path), "runs") },
    );
  });
  afterAll(async () => {
    await scene.remove();
    await disk.remove();
  });

  it("go on to their end without a log, and count as running until their end is written down", async () => {
    const go = join(scene.folder, "go");
    const request = scene.request("chatters", { HEADGATE_GO: go });
    await scene.provider.start(request);
    const { program } = await scene.processesOf(request.id);
    await until(async () => (await scene.provider.readLog(request.id, 100)) || null);
    const giveBack = await fillDisk(dirname(disk.path), 0);
    await writeFile(go, "");
    await until(() => (isAlive(program) ? null : true));
    expect(await readFile(`${go}.done`, "utf8")).toBe("x\n");
    expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "running" });
    const other = scene.request("chatters");
    await expect(scene.provider.start(other)).rejects.toMatchObject({
      delivery: "not_sent",
      message: expect.stringContaining("ENOSPC"),
    });
    expect(await scene.provider.find(other, new Set())).toEqual({ kind: "none" });
    await giveBack();
    expect(await scene.untilEnded(request)).toMatchObject({
      state: "failure",
      text: expect.stringContaining("exit code 3"),
    });
    expect(await scene.provider.readLog(request.id, 1_000_000)).toMatch(/^begun\n/);
  });
});
