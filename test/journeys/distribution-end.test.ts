import { afterAll, beforeAll, expect, test } from "vitest";
import { DistributionReply } from "../../src/api/contract/releases.ts";
import { type CopyScene, type CopyStage, startCopyStage } from "../support/copy-scene.ts";
import { eachEngine } from "../support/databases.ts";
import { refusal } from "../support/registry-proxy.ts";
import { valueAt } from "../support/server.ts";

const MANIFESTS = /^GET .*\/manifests\//;
const BLOBS = /^GET .*\/blobs\//;

eachEngine((engine) => {
  let stage: CopyStage;
  beforeAll(async () => {
    stage = await startCopyStage(await engine.place());
  });
  afterAll(() => stage.stop());

  const look = async (version: string): Promise<DistributionReply> => {
    const { json } = await stage.server.send("GET", `/v1/projects/shop/releases/${version}`);
    const [release, distribution] = [valueAt(json, "id"), valueAt(json, "distribution", "id")];
    const path = `/v1/releases/${String(release)}/distributions/${String(distribution)}`;
    return DistributionReply.parse((await stage.server.send("GET", path)).json);
  };
  /** The source leaves these requests waiting until it is told to go on. */
  const hold = (scene: CopyScene, line: RegExp): (() => void) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    scene.source.disturb(line, { until: promise });
    return resolve;
  };
  /** When it ended, as it is told now and a moment later by the same clock. */
  const endOf = async (version: string): Promise<number> => {
    const { createdAt, endedAt } = await look(version);
    const first = endedAt?.getTime() ?? NaN;
    expect(first).toBeGreaterThanOrEqual(createdAt.getTime());
    // An end that were made up at each look would be another one by now.
    await expect.poll(() => Date.now()).toBeGreaterThan(first);
    expect((await look(version)).endedAt?.getTime()).toBe(first);
    return first;
  };

  test("a distribution tells when it ended, the same at every look, and nothing while it is under way or retried", async () => {
    const scene = await stage.scene();
    await scene.push("api");
    scene.source.disturb(BLOBS, refusal(404, "BLOB_UNKNOWN", "blob unknown"));
    const goOn = hold(scene, MANIFESTS);
    await scene.start();
    expect(await look(scene.version)).toMatchObject({ status: "creating", endedAt: null });
    goOn();
    expect(await scene.end()).toMatchObject({ status: "failed" });
    const failedAt = await endOf(scene.version);

    const goOnAgain = hold(scene, BLOBS);
    await scene.retry();
    expect(await look(scene.version)).toMatchObject({ status: "retrying", endedAt: null });
    goOnAgain();
    expect(await scene.end()).toMatchObject({ status: "success" });
    expect(await endOf(scene.version)).toBeGreaterThan(failedAt);
  });
});
