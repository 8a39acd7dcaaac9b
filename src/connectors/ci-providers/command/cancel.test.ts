import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunRequest } from "../ci-provider.ts";
import { type ProgramScene, programScene, until } from "../../../../test/support/programs.ts";
import { isAlive } from "./process-identity.ts";
import { writeRecord } from "./run-files.ts";

let scene: ProgramScene;
beforeAll(async () => {
  scene = await programScene({
    sleeps: { script: "echo begun\nsleep 300" },
    tidies: { script: "trap 'echo tidied; exit 7' TERM\necho begun\nsleep 300 & wait" },
    finishes: { script: "trap 'exit 0' TERM\necho begun\nsleep 300 & wait" },
    stubborn: { script: "trap '' TERM\necho begun\nwhile :; do sleep 1; done" },
    parent: { script: "/bin/sh -c 'echo $$; sleep 300'\necho never" },
    quick: { script: "exit 3" },
  });
});
afterAll(() => scene.remove());

const saidBy = (run: string) => until(async () => (await scene.provider.readLog(run, 1000)) || null);

async function begin(program: string): Promise<RunRequest> {
  const request = scene.request(program);
  await scene.provider.start(request);
  await saidBy(request.id);
  await scene.processesOf(request.id);
  return request;
}

const cancel = ({ id }: RunRequest, force = false) =>
  scene.provider.cancel(id, scene.request("sleeps"), { force });

describe("a cancel", () => {
  it("ends the program, and the run is canceled", async () => {
    const request = await begin("sleeps");
    expect(await cancel(request)).toBe("asked");
    expect(await scene.untilEnded(request)).toMatchObject({
      state: "canceled",
      text: "canceled, ended by SIGTERM",
    });
    expect(await cancel(request)).toBe("over");
  });

  it("lets the program tidy up, and reaches what it has started", async () => {
    const tidies = await begin("tidies");
    const parent = await begin("parent");
    expect([await cancel(tidies), await cancel(parent)]).toEqual(["asked", "asked"]);
    expect(await scene.untilEnded(tidies)).toMatchObject({
      state: "canceled",
      text: "canceled, exit code 7",
    });
    expect(await scene.provider.readLog(tidies.id, 100)).toBe("begun\ntidied\n");
    expect(await scene.untilEnded(parent)).toMatchObject({ state: "canceled" });
    const child = Number(await saidBy(parent.id));
    expect(() => process.kill(child, 0)).toThrow("ESRCH");
  });

  it("that came too late for a program that succeeds is a success", async () => {
    const request = await begin("finishes");
    await cancel(request);
    expect(await scene.untilEnded(request)).toMatchObject({ state: "success" });
  });

  it("with force ends a program that does not listen", async () => {
    const request = await begin("stubborn");
    expect(await cancel(request)).toBe("asked");
    const { program } = await scene.processesOf(request.id);
    expect(isAlive(program)).toBe(true);
    expect(await scene.provider.read(request.id, request)).toMatchObject({ state: "running" });
    expect(await cancel(request, true)).toBe("asked");
    expect(await scene.untilEnded(request)).toMatchObject({
      state: "canceled",
      text: "canceled, ended by SIGKILL",
    });
  });

  it("of what has failed by itself changes nothing", async () => {
    const request = scene.request("quick");
    await scene.runToEnd(request);
    expect(await cancel(request, true)).toBe("over");
    expect(await scene.provider.read(request.id, request)).toMatchObject({
      state: "failure",
      text: "exit code 3",
    });
  });

  it("at once after the start ends the run, too", async () => {
    const request = scene.request("sleeps");
    await scene.provider.start(request);
    expect(await cancel(request)).toBe("asked");
    expect(await scene.untilEnded(request)).toMatchObject({ state: "canceled" });
  });

  it("from another host is carried out by the wrapper", async () => {
    const request = await begin("sleeps");
    const folder = join(scene.provider.runsDirectory, request.id);
    writeRecord(folder, "cancel.json", { force: false, place: "elsewhere" });
    expect(await scene.untilEnded(request)).toMatchObject({ state: "canceled" });
  });

  it("is not fooled by a mark that is none", async () => {
    const request = await begin("sleeps");
    const mark = join(scene.provider.runsDirectory, request.id, "cancel.json");
    await writeFile(mark, "{");
    expect(await cancel(request)).toBe("asked");
    expect(JSON.parse(await readFile(mark, "utf8"))).toMatchObject({ force: false });
    expect(await scene.untilEnded(request)).toMatchObject({ state: "canceled" });
  });
});
