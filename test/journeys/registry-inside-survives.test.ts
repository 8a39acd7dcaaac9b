import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { Readable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import { digestOf } from "../../src/kernel/digest.ts";
import { type DatabaseOptions, openDatabase } from "../../src/storage/database.ts";
import { openFileStorage } from "../../src/storage/file-storage.ts";
import { eachEngine } from "../support/databases.ts";
import { buildTestImage } from "../support/images.ts";
import { type RegistryProcess, startRegistryProcess } from "../support/registry-processes.ts";
import type { RegistryTokens } from "../support/registry-inside.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** How often the process is killed; HEADGATE_SOAK=1 for the long form. */
const ROUNDS = process.env["HEADGATE_SOAK"] ? 50 : 3;
const API = "shop/api";

const tidy: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of tidy.splice(0).toReversed()) await step();
});

/** What database and files say of each other, with no process at work on them. */
async function expectConsistent(database: DatabaseOptions, directory: string): Promise<void> {
  const { db, close } = await openDatabase(database);
  try {
    const files = await openFileStorage(directory);
    const known = new Map(
      (await db.selectFrom("blobs").selectAll().execute()).map((row) => [row.digest, row]),
    );
    const found = new Set<string>();
    for await (const { digest, path } of files.list()) {
      const bytes = await readFile(path);
      expect(digestOf(bytes)).toBe(digest);
      expect(known.get(digest)?.size_bytes).toBe(bytes.length);
      found.add(digest);
    }
    const held = [...known.values()].filter((row) => row.unlinked_at === null);
    for (const { digest } of held) expect(found).toContain(digest);
  } finally {
    await close();
  }
}

eachEngine((engine) => {
  describe("the registry inside, killed", () => {
    it("keeps what it acknowledged; an upload goes on where it stood or is cleanly gone", async () => {
      const { options: database, close } = await engine.open();
      await close();
      const { path: directory, remove } = await temporaryDirectory();
      tidy.push(remove);
      let tokens: RegistryTokens | undefined;
      let registry: RegistryProcess | null = null;
      tidy.push(async () => registry?.kill());
      const acknowledged = new Map<string, Buffer>();

      for (let round = 0; round < ROUNDS; round += 1) {
        registry = await startRegistryProcess({ database, directory, ...(tokens ? { tokens } : {}) });
        const { send, pushBlob, pushManifest } = registry;
        ({ tokens } = registry);
        for (const [digest, bytes] of acknowledged)
          expect((await send("GET", `/v2/${API}/blobs/${digest}`)).bytes.equals(bytes)).toBe(true);

        const image = buildTestImage({ seed: `round ${round}`, layers: [{ seed: "x", sizeBytes: 5000 }] });
        for (const { bytes } of image.blobs) acknowledged.set(await pushBlob(API, bytes), bytes);
        expect((await pushManifest(API, `round-${round}`, image.top)).status).toBe(201);

        const content = randomBytes(4_000_000);
        const digest = digestOf(content);
        const location = (await send("POST", `/v2/${API}/blobs/uploads/`)).headers["location"] ?? "";
        const slowly = Readable.from(
          (async function* () {
            yield content.subarray(0, 2_500_000);
            await pause(60_000, undefined, { ref: false });
          })(),
        );
        const pushes = [
          send("PATCH", location, { body: slowly }),
          pushBlob(API, randomBytes(3_000_000)),
          pushManifest(API, "contested", image.top),
        ].map((push) => push.catch(() => null));
        const standing = async (): Promise<number> =>
          Number((await send("GET", location)).headers["range"]?.split("-")[1] ?? 0) + 1;
        await expect.poll(standing, { timeout: 30_000 }).toBe(2_500_000);
        await registry.kill();
        slowly.destroy();
        await Promise.all(pushes);
        await expectConsistent(database, directory);

        registry = await startRegistryProcess({ database, directory, tokens });
        const reply = await registry.send("GET", location);
        expect(reply.status).toBe(204);
        const stands = Number(reply.headers["range"]?.split("-")[1]) + 1;
        const finished = await registry.send("PUT", `${location}?digest=${digest}`, {
          body: content.subarray(stands),
          headers: { "content-range": `${stands}-${content.length - 1}` },
        });
        expect(finished.status).toBe(201);
        acknowledged.set(digest, content);
        const manifest = await registry.send("GET", `/v2/${API}/manifests/round-${round}`);
        expect(manifest.bytes.equals(image.top.bytes)).toBe(true);
        await registry.kill();
      }
      await expectConsistent(database, directory);
    });
  });
});
