import { type ChildProcess, spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { sql } from "kysely";
import { afterEach, expect, test } from "vitest";
import { type Database, openDatabase } from "../../src/storage/database.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { CARELESS } from "../support/careless-disk.ts";
import { endProcess, freeze } from "../support/frozen-process.ts";
import { buildTestImage } from "../support/images.ts";
import { describeWithLoopDisks, type LoopDisk, makeLoopDisk } from "../support/loop-disk.ts";
import { clientOf as registryClient } from "../support/registry-inside.ts";
import { clientOf, settingsFor } from "../support/server.ts";
import { startServerProcess } from "../support/server-process.ts";
import { create, makeProject, plainBody, RELEASES, settled } from "../support/zadig-project.ts";

/** How often the power is cut; HEADGATE_SOAK=1 for the long form. */
const ROUNDS = process.env["HEADGATE_SOAK"] === "1" ? 10 : 1;
const rounds = Array.from({ length: ROUNDS }, (_, round) => round + 1);
const WRITER = resolve(import.meta.dirname, "../support/acknowledged-writer.ts");

const tidy: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of tidy.splice(0).toReversed()) await step();
});

async function newDisk(sizeMib: number): Promise<LoopDisk> {
  const disk = await makeLoopDisk(sizeMib);
  tidy.push(disk.remove);
  return disk;
}

/** Stops the process, cuts the power, and returns what is on the disk then. The process is gone. */
async function cutPower(disk: LoopDisk, child: ChildProcess): Promise<LoopDisk> {
  await freeze(child);
  const left = await disk.powerCut();
  tidy.push(left.remove);
  await endProcess(child);
  return left;
}

/** Looks into the database of a disk that lost its power. */
async function lookInto<T>(directory: string, look: (db: Database) => Promise<T>): Promise<T> {
  const { db, close } = await openDatabase({ kind: "embedded", directory });
  try {
    return await look(db);
  } finally {
    await close();
  }
}

async function expectIntact(directory: string): Promise<void> {
  const check = sql`select integrity_check from pragma_integrity_check`;
  const { rows } = await lookInto(directory, (db) => check.execute(db));
  expect(rows).toEqual([{ integrity_check: "ok" }]);
}

describeWithLoopDisks("when the power is cut under an embedded database", () => {
  /** Rows of which a process said that they are written, and the disk after the power was cut. */
  async function writeUntilCut(environment: Readonly<Record<string, string>>) {
    const disk = await newDisk(256);
    await lookInto(disk.path, migrate);
    const writer = spawn(process.execPath, [WRITER, disk.path, "row"], {
      env: { ...process.env, ...environment },
      stdio: ["ignore", "pipe", "inherit"],
    });
    tidy.push(() => endProcess(writer));
    const said: string[] = [];
    const lines = createInterface({ input: writer.stdout });
    lines.on("line", (line) => said.push(line));
    const ended = new Promise((end) => lines.once("close", end));
    await expect.poll(() => said.length, { timeout: 30_000 }).toBeGreaterThan(randomInt(500, 3000));
    const left = await cutPower(disk, writer);
    await ended;
    return { said, left };
  }

  const rowsIn = async (disk: LoopDisk): Promise<ReadonlySet<string>> => {
    const rows = await lookInto(disk.path, (db) => db.selectFrom("settings").select("name").execute());
    return new Set(rows.map(({ name }) => name));
  };

  test.each(rounds)("every acknowledged row is there (round %i)", async () => {
    const { said, left } = await writeUntilCut({});
    await expectIntact(left.path);
    const kept = await rowsIn(left);
    expect(said.filter((name) => !kept.has(name))).toEqual([]);
  });

  test.each(rounds)("the same run with synchronous=OFF loses some of them (round %i)", async () => {
    const { said, left } = await writeUntilCut(CARELESS);
    // It may also lose the whole database.
    const kept = await rowsIn(left).catch(() => new Set<string>());
    expect(said.filter((name) => !kept.has(name))).not.toEqual([]);
  });
});

/** Room enough that the registry inside takes something: it leaves 1 GiB free. */
const SERVER_DISK_MIB = 1536;
const CALLERS = 4;

describeWithLoopDisks("when the power is cut under a server", () => {
  type Settings = Readonly<Record<string, string>> & { readonly HEADGATE_ADMIN_TOKEN: string };

  const clientsOf = (url: string, { HEADGATE_ADMIN_TOKEN: token }: Settings) => ({
    api: clientOf(url, token),
    registry: registryClient(url, {
      viewer: token,
      releaser: token,
      approver: token,
      admin: token,
      outsider: token,
      root: token,
    }),
  });

  const serve = async (settings: Settings) => {
    const server = await startServerProcess(settings);
    tidy.push(() => endProcess(server.child));
    return { server, ...clientsOf(server.url, settings) };
  };

  /** Has several callers work, each piece of work under a name of its own, until the server is gone. */
  function callersOf<T>(prefix: string, work: (name: string) => Promise<T | null>) {
    const acknowledged: T[] = [];
    const repeat = async (caller: number): Promise<void> => {
      for (let count = 0; ; count += 1) {
        const result = await work(`${prefix}-${caller}-${count}`).catch(() => null);
        if (result === null) return;
        acknowledged.push(result);
      }
    };
    return {
      acknowledged,
      ended: Promise.all(Array.from({ length: CALLERS }, (_, caller) => repeat(caller))),
    };
  }

  /** Versions and images that a server acknowledged before the power was cut, and the disk after it. */
  async function workUntilCut(environment: Readonly<Record<string, string>>) {
    const disk = await newDisk(SERVER_DISK_MIB);
    const settings: Settings = await settingsFor({ kind: "embedded", directory: disk.path });
    const first = await serve(settings);
    await makeProject(first.api, "shop");
    expect(await first.server.stop()).toBe(0);

    const { server, api, registry } = await serve({ ...settings, ...environment });
    const versions = callersOf("version", async (name) => {
      const { status } = await create(api, plainBody({ version_name: name }));
      return status === 200 ? name : null;
    });
    const images = callersOf("image", async (name) => {
      const image = buildTestImage({
        seed: name,
        layers: [{ seed: name, sizeBytes: randomInt(1, 500_000) }],
      });
      for (const { bytes } of image.blobs) await registry.pushBlob("shop/api", bytes);
      const { status } = await registry.pushManifest("shop/api", name, image.top);
      return status === 201 ? { name, image } : null;
    });
    for (const { acknowledged } of [versions, images])
      await expect
        .poll(() => acknowledged.length, { timeout: 60_000 })
        .toBeGreaterThan(randomInt(CALLERS, 4 * CALLERS));
    const left = await cutPower(disk, server.child);
    await registry.close();
    await Promise.all([versions.ended, images.ended]);
    return {
      left,
      settings: { ...settings, HEADGATE_DATA_DIR: left.path },
      versions: versions.acknowledged,
      images: images.acknowledged,
    };
  }

  test.each(rounds)("every acknowledged version and image is there (round %i)", async () => {
    const { left, settings, versions, images } = await workUntilCut({});
    await expectIntact(left.path);
    const { server, api, registry } = await serve(settings);
    for (const name of versions) expect(await settled(api, name)).toMatchObject({ status: "success" });
    for (const { name, image } of images) {
      const manifest = await registry.send("GET", `/v2/shop/api/manifests/${name}`);
      expect(manifest.bytes.equals(image.top.bytes)).toBe(true);
      for (const { digest, bytes } of image.blobs)
        expect((await registry.send("GET", `/v2/shop/api/blobs/${digest}`)).bytes.equals(bytes)).toBe(true);
    }
    await registry.close();
    expect(await server.stop()).toBe(0);
  });

  test.each(rounds)("the same server without synced writes loses some of each (round %i)", async () => {
    const { settings, versions, images } = await workUntilCut(CARELESS);
    const { server, api, registry } = await serve(settings);
    const statusOfVersion = async (name: string) =>
      (await api.send("GET", `${RELEASES}/detail?projectKey=shop&versionName=${name}`)).status;
    const statuses = await Promise.all(versions.map(statusOfVersion));
    expect(statuses.filter((status) => status !== 200)).not.toEqual([]);
    const blobs = images.flatMap(({ image }) => image.blobs);
    const found = await Promise.all(
      blobs.map(async ({ digest, bytes }) =>
        (await registry.send("GET", `/v2/shop/api/blobs/${digest}`)).bytes.equals(bytes),
      ),
    );
    expect(found).toContain(false);
    await registry.close();
    expect(await server.stop()).toBe(0);
  });
});
