import { afterAll, beforeAll, expect, test } from "vitest";
import { type CopyStage, startCopyStage } from "../support/copy-scene.ts";
import { describeWithLoopDisks, fillDisk, type LoopDisk, makeLoopDisk } from "../support/loop-disk.ts";
import type { Answer } from "../support/server.ts";
import { settled } from "../support/zadig-project.ts";

describeWithLoopDisks("a server whose database has no room left", () => {
  let disk: LoopDisk;
  let stage: CopyStage;
  beforeAll(async () => {
    disk = await makeLoopDisk(64);
    stage = await startCopyStage({ kind: "embedded", directory: disk.path });
  });
  afterAll(async () => {
    await stage.stop();
    await disk.remove();
  });

  /** The write-ahead log may have room of its own for a while; it takes little at a time, so that nothing is left. */
  const firstRefusal = async (): Promise<Answer> => {
    for (let count = 0; ; count += 1) {
      const body = { name: `s${count}` };
      const answer = await stage.server.send("POST", "/v1/projects/shop/services", { body });
      if (answer.status !== 201) return answer;
    }
  };

  test("stops without an error, with a copy under way, which goes on once there is room", async () => {
    const scene = await stage.scene();
    await scene.push("api");
    const gate = Promise.withResolvers<void>();
    scene.source.disturb(/^GET .*\/blobs\//, { until: gate.promise });
    await scene.start();
    await expect.poll(() => scene.source.asked.some((line) => line.includes("/blobs/"))).toBe(true);
    const giveBack = await fillDisk(disk.path, 0);
    expect(await firstRefusal()).toMatchObject({ status: 503 });

    await expect(stage.server.stop()).resolves.toBeUndefined();

    gate.resolve();
    await giveBack();
    const again = await stage.server.restart();
    try {
      expect(await settled(again, scene.version)).toMatchObject({ status: "success", error: "" });
    } finally {
      await again.stop();
    }
  });
});
