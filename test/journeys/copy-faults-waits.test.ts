import { afterAll, beforeAll, test } from "vitest";
import type { RegistryConnectorOptions } from "../../src/connectors/registries/oci-registry-connector.ts";
import { startBlobScene } from "../support/blob-scene.ts";
import { describeWith } from "../support/real-parts.ts";
import type { Fault } from "../support/registry-proxy.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";

const limits = (millis: number, retries: number): RegistryConnectorOptions => ({
  firstByteMillis: millis,
  stallMillis: millis,
  commitMillis: millis,
  retry: { retries, baseMillis: 1, longestWaitMillis: 1_000 },
});
/** Long enough for a registry on a busy machine that does its best. */
const PATIENT = limits(2_000, 3);
/** Whoever is waited for does not come. */
const IMPATIENT = limits(500, 1);

const READ = /^GET .*\/blobs\/sha256/;
const WRITE = /^PUT .*\/blobs\/uploads\//;
const BEGIN = /^POST .*\/blobs\/uploads\//;

const never = new Promise<void>(() => undefined);
/** Too few bytes to count as getting on. */
const FEW = 1_000;

const CASES: readonly (readonly [string, "source" | "target", RegExp, Fault])[] = [
  ["a source that never answers", "source", READ, { silent: true }],
  ["a source that falls silent", "source", READ, { answer: { stopAfter: FEW, until: never } }],
  ["a source that trickles", "source", READ, { answer: { bytesPerSecond: FEW } }],
  ["a target that never answers", "target", BEGIN, { silent: true }],
  ["a target that takes no more bytes", "target", WRITE, { request: { stopAfter: FEW, until: never } }],
  ["a target that trickles", "target", WRITE, { request: { bytesPerSecond: FEW } }],
  ["a target that never says that it has the bytes", "target", WRITE, { silent: true }],
];

/** The port between real registries, each behind a door that makes us wait. */
describeWith(["docker-registry"], "a registry that makes a copy wait", () => {
  let registries: { readonly source: TestRegistry; readonly target: TestRegistry };
  beforeAll(async () => {
    const [source, target] = await Promise.all([
      startRegistry({ auth: "open" }),
      startRegistry({ auth: "open" }),
    ]);
    registries = { source, target };
  });
  afterAll(() => Promise.all([registries.source.stop(), registries.target.stop()]));

  test.concurrent.for(CASES)(
    "%s for once is asked again",
    async ([, side, line, fault], { expect, onTestFinished }) => {
      const scene = await startBlobScene(registries, PATIENT);
      onTestFinished(() => scene.stop());
      scene[side].disturb(line, fault, 1);
      await scene.copy();
      expect(await scene.state()).toEqual({ there: true, countedBytes: scene.sizeBytes, openUploads: [] });
    },
  );

  test.concurrent.for(CASES)(
    "%s is given up by name, and nothing has arrived",
    async ([, side, line, fault], { expect, onTestFinished }) => {
      const scene = await startBlobScene(registries, IMPATIENT);
      onTestFinished(() => scene.stop());
      const door = scene[side];
      door.disturb(line, fault);
      const words = new RegExp(`${door.host}: (no answer|nothing more came) within the time limit`);
      await expect(scene.copy()).rejects.toMatchObject({
        name: "ExternalSystemError",
        retryable: true,
        message: expect.stringMatching(words) as string,
      });
      expect(await scene.state()).toMatchObject({ there: false, openUploads: [] });
    },
  );
});
