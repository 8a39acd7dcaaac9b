import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { openFileStorage } from "../../src/storage/file-storage.ts";
import { type BlobScene, startBlobScene } from "../support/blob-scene.ts";
import { testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { describeWith } from "../support/real-parts.ts";
import { startRegistryInside, type TestRegistryInside } from "../support/registry-inside.ts";
import type { RegistryProxy } from "../support/registry-proxy.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const READ = /^GET .*\/blobs\/sha256/;
const WRITE = /^PUT .*\/blobs\/uploads\//;
const BEGIN = /^POST .*\/blobs\/uploads\//;
/** More than sockets and slabs hold: what was on its way when a connection broke may have to go again. */
const ON_THE_WAY = 4 * 1024 * 1024;

const asked = (door: RegistryProxy, line: RegExp): number =>
  door.asked.filter((one) => line.test(one)).length;
const arrived = ({ sizeBytes }: BlobScene) => ({ there: true, countedBytes: sizeBytes, openUploads: [] });

/** What holds for every target. `open`: a scene of one blob, for each test its own. */
function brokenTransfers(open: () => Promise<BlobScene>): void {
  let scene: BlobScene;
  let half: number;
  beforeEach(async () => {
    scene = await open();
    half = scene.sizeBytes / 2;
  });
  afterEach(() => scene.stop());

  test("a source that breaks is asked for the rest alone, and the upload goes on", async () => {
    const { source, target } = scene;
    source.disturb(READ, { answer: { cutAfter: half } }, 1);
    await scene.copy();
    expect(await scene.state()).toEqual(arrived(scene));
    expect(source.passed.out).toBeLessThan(scene.sizeBytes + ON_THE_WAY);
    expect([asked(source, READ), asked(target, BEGIN), asked(target, WRITE)]).toEqual([2, 1, 1]);
  });

  test("a source that breaks and knows no parts sends all again, and the upload goes on", async () => {
    const { source, target } = scene;
    source.disturb(READ, { wholeOnly: true });
    source.disturb(READ, { answer: { cutAfter: half }, wholeOnly: true }, 1);
    await scene.copy();
    expect(await scene.state()).toEqual(arrived(scene));
    expect(source.passed.out).toBe(scene.sizeBytes + half);
    expect([asked(source, READ), asked(target, BEGIN), asked(target, WRITE)]).toEqual([2, 1, 1]);
  });

  test("a rest that is wrong is found out, and all is read again", async () => {
    const { source } = scene;
    source.disturb(READ, { answer: { flipAt: half / 2 } }, 2);
    source.disturb(READ, { answer: { cutAfter: half } }, 1);
    await scene.copy().catch(() => scene.copy());
    expect(await scene.state()).toEqual(arrived(scene));
  });

  test("a target that breaks gets the blob, wherever it stopped", async () => {
    scene.target.disturb(WRITE, { request: { cutAfter: half } }, 1);
    await scene.copy();
    expect(await scene.state()).toEqual(arrived(scene));
  });
}

/** The port between real registries, each behind a door that breaks connections. */
describeWith(["docker-registry"], "a transfer that breaks", () => {
  let source: TestRegistry;
  beforeAll(async () => {
    source = await startRegistry({ auth: "open" });
  });
  afterAll(() => source.stop());

  describe("on its way to docker-registry", () => {
    let target: TestRegistry;
    beforeAll(async () => {
      target = await startRegistry({ auth: "open" });
    });
    afterAll(() => target.stop());

    brokenTransfers(() => startBlobScene({ source, target }));
  });

  eachEngine((engine) => {
    describe("on its way to the registry inside", () => {
      let inside: TestRegistryInside;
      let removeFiles: () => Promise<void>;
      beforeAll(async () => {
        const { db } = await engine.open();
        const { path, remove } = await temporaryDirectory();
        removeFiles = remove;
        inside = await startRegistryInside(testContext(db, { files: await openFileStorage(path) }));
      });
      afterAll(async () => {
        await inside.stop();
        await removeFiles();
      });
      const open = (): Promise<BlobScene> => {
        const { host, tokens } = inside;
        const target = { host, username: "any", password: tokens.releaser, requests: [], stop: inside.stop };
        return startBlobScene({ source, target }, { tokenHosts: [host] });
      };

      brokenTransfers(open);

      test("a target that breaks is sent the rest alone", async () => {
        const scene = await open();
        const { target } = scene;
        target.disturb(WRITE, { request: { cutAfter: scene.sizeBytes / 2 } }, 1);
        await scene.copy();
        expect(await scene.state()).toEqual(arrived(scene));
        expect(target.passed.into).toBeLessThan(scene.sizeBytes + ON_THE_WAY);
        expect([asked(target, BEGIN), asked(target, WRITE)]).toEqual([1, 2]);
        await scene.stop();
      });
    });
  });
});
