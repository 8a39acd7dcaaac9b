import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type CopyScene, type CopyStage, startCopyStage } from "../support/copy-scene.ts";
import { eachEngine } from "../support/databases.ts";
import type { TestImage } from "../support/images.ts";
import { type Fault, refusal } from "../support/registry-proxy.ts";

const LAYER_BYTES = 3_000_000;
const HALF = LAYER_BYTES / 2;

/** Real copies between real registries, with one thing going wrong in the middle. */
eachEngine((engine) => {
  let stage: CopyStage;
  beforeAll(async () => {
    stage = await startCopyStage(await engine.place());
  });
  afterAll(() => stage.stop());

  /** Three images that share a layer, `web` with a large one of its own: the one that the faults are about. */
  async function threeImages(): Promise<{ scene: CopyScene; layer: string; web: TestImage }> {
    const scene = await stage.scene();
    const base = { seed: `base of ${scene.version}`, sizeBytes: 200_000 };
    await scene.push("api", { layers: [base, { seed: `api of ${scene.version}`, sizeBytes: 20_000 }] });
    const own = { seed: `web of ${scene.version}`, sizeBytes: LAYER_BYTES };
    const web = await scene.push("web", { layers: [base, own] });
    await scene.push("job", { layers: [base, { seed: `job of ${scene.version}`, sizeBytes: 30_000 }] });
    return { scene, web, layer: web.blobs.at(-1)?.digest ?? "" };
  }
  const reads = (layer: string): RegExp => new RegExp(`^GET .*/blobs/${layer}`);
  const writes = (layer: string): RegExp =>
    new RegExp(`^PUT .*/blobs/uploads/.*${encodeURIComponent(layer)}`);

  describe.concurrent("what passes is not noticed", () => {
    const cases: readonly (readonly [string, "source" | "target", Fault, number])[] = [
      ["the source resets the connection after half a layer", "source", { answer: { cutAfter: HALF } }, 1],
      ["the source does so twice", "source", { answer: { cutAfter: HALF } }, 2],
      ["the target resets the connection after half a layer", "target", { request: { cutAfter: HALF } }, 1],
      ["the target does so twice", "target", { request: { cutAfter: HALF } }, 2],
      ["the source fails with 500", "source", { status: 500 }, 3],
      ["the target fails with 500", "target", { status: 500 }, 2],
      ["the source asks for a pause", "source", { status: 429, headers: { "retry-after": "1" } }, 1],
      ["the target asks for a pause", "target", { status: 429, headers: { "retry-after": "1" } }, 1],
      ["the target sends its answer to nobody", "target", { answer: { cutAfter: 0 } }, 1],
    ];
    test.each(cases)("%s", async (_, side, fault, times) => {
      const { scene, layer } = await threeImages();
      scene[side].disturb(side === "source" ? reads(layer) : writes(layer), fault, times);
      await scene.start();
      const outcome = await scene.end();
      expect(outcome).toMatchObject({ status: "success", error: "" });
      await scene.expectTidy(outcome);
    });
  });

  describe.concurrent("what does not pass fails one image, in words, and is mended by a retry", () => {
    const cases: readonly (readonly [string, Fault, string])[] = [
      ["a layer is missing", refusal(404, "BLOB_UNKNOWN", "blob unknown"), "BLOB_UNKNOWN: blob unknown"],
      ["bytes are wrong", { answer: { flipAt: HALF } }, "digest mismatch: the bytes have sha256:"],
      ["bytes are missing", { answer: { endAfter: HALF } }, `the blob ends after ${HALF} of `],
    ];
    test.each(cases)("%s", async (_, fault, words) => {
      const { scene, layer } = await threeImages();
      scene.source.disturb(reads(layer), fault);
      await scene.start();
      const failed = await scene.end();
      expect(failed).toMatchObject({
        status: "failed",
        images: { api: { status: "passed" }, web: { status: "failed" }, job: { status: "passed" } },
      });
      const { error } = failed.images["web"] ?? {};
      expect(error).toContain(`reading team/${scene.version}/web@${layer} at ${scene.source.host}: ${words}`);
      expect(failed.error).toContain(`1 of 3 images failed; s/web: ${error}`);
      await scene.expectTidy(failed);

      scene.source.heal();
      const [read, written] = [scene.source.asked.length, scene.target.asked.length];
      await scene.retry();
      const mended = await scene.end();
      expect(mended).toMatchObject({ status: "success", error: "" });
      await scene.expectTidy(mended);
      const blobsRead = scene.source.asked.slice(read).filter((line) => line.includes("/blobs/"));
      expect(blobsRead).toEqual([`GET /v2/team/${scene.version}/web/blobs/${layer}`]);
      const bodies = scene.target.asked.slice(written).filter((line) => line.startsWith("PUT "));
      expect(bodies.filter((line) => writes(layer).test(line))).toHaveLength(1);
      expect(bodies.filter((line) => !writes(layer).test(line))).toEqual([
        `PUT /v2/prod/${scene.version}/web/manifests/1`,
      ]);
    });
  });

  test.concurrent("a mount that is answered with an upload is an upload", async () => {
    const { scene } = await threeImages();
    scene.target.disturb(/^POST .*[?&]mount=/, { path: (path) => path.replace(/[?].*/, "") });
    await scene.start();
    const outcome = await scene.end();
    expect(outcome).toMatchObject({ status: "success", error: "" });
    expect(scene.target.asked.some((line) => line.includes("mount="))).toBe(true);
    await scene.expectTidy(outcome);
  });

  test.concurrent("a source that cannot read a layer is asked again for a while; then its image alone has failed", async () => {
    const { scene, layer } = await threeImages();
    scene.source.disturb(reads(layer), refusal(500, "UNKNOWN", "storage is away"));
    await scene.start();
    const failed = await scene.end();
    expect(failed.images).toMatchObject({
      api: { status: "passed" },
      web: { status: "failed", error: expect.stringContaining(scene.source.host) as string },
      job: { status: "passed" },
    });
    expect(scene.source.asked.filter((line) => reads(layer).test(line)).length).toBeGreaterThan(3);
    await scene.expectTidy(failed);
    scene.source.heal();
    await scene.retry();
    let mended = await scene.end();
    // A host that failed so often is left alone for a while, and a retry in that time ends with the moment in its words.
    while (mended.error.includes("; it is asked again at ")) {
      await pause(1_000);
      await scene.retry();
      mended = await scene.end();
    }
    expect(mended).toMatchObject({ status: "success", error: "" });
    await scene.expectTidy(mended);
  }, 180_000);
});

/** A target whose tokens run out: it says 401 to one that was good before. */
eachEngine((engine) => {
  let stage: CopyStage;
  beforeAll(async () => {
    stage = await startCopyStage(await engine.place(), { target: { auth: "token" } });
  });
  afterAll(() => stage.stop());

  test.each([
    ["while the bytes of a layer are on their way", /^PUT .*\/blobs\/uploads/],
    ["before a layer", /^POST .*\/blobs\/uploads/],
    ["before a manifest", /^PUT .*\/manifests\//],
  ] as const)("a token that is refused %s is renewed", async (_, line) => {
    const scene = await stage.scene();
    await scene.push("web", { layers: [{ seed: scene.version, sizeBytes: LAYER_BYTES }] });
    const { tokens } = scene.target;
    const challenge = `Bearer realm="${tokens?.realm}",service="${tokens?.service}",error="invalid_token"`;
    scene.target.disturb(line, { status: 401, headers: { "www-authenticate": challenge } }, 1);
    await scene.start();
    const outcome = await scene.end();
    expect(outcome).toMatchObject({ status: "success", error: "" });
    await scene.expectTidy(outcome);
  });
});
