import { mkdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { sql } from "kysely";
import { afterAll, beforeAll, expect, it } from "vitest";
import { temporaryDirectory } from "../../test/support/temporary-directory.ts";
import { messageOf } from "../kernel/errors.ts";
import { backUpDatabase } from "./back-up-database.ts";
import { type DatabaseOptions, openDatabase } from "./database.ts";
import { refuseOldNode } from "../kernel/node-version.ts";
import { refuseNetworkFileSystem } from "./embedded-directory.ts";
import { startWorker } from "./embedded-link.ts";
import { createWriter } from "./embedded-writer.ts";
import { migrate } from "./migrate.ts";
import { runTransaction } from "./transaction.ts";

let place: Awaited<ReturnType<typeof temporaryDirectory>>;
let count = 0;
beforeAll(async () => {
  place = await temporaryDirectory();
});
afterAll(() => place.remove());

const newOptions = (): DatabaseOptions & { readonly directory: string } => {
  count += 1;
  return { kind: "embedded", directory: join(place.path, "deep", String(count)) };
};

function wordsOf(work: () => void): string {
  try {
    work();
    return "fine";
  } catch (error) {
    return messageOf(error);
  }
}

const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777;

it("makes its directory and files for their owner only", async () => {
  const options = newOptions();
  const database = await openDatabase(options);
  await migrate(database.db);
  expect(await modeOf(options.directory)).toBe(0o700);
  for (const file of ["headgate.db", "headgate.db-wal"])
    expect(await modeOf(join(options.directory, file))).toBe(0o600);
  await database.close();
});

it("syncs every commit, checks foreign keys, and writes ahead", async () => {
  const { db, close } = await openDatabase(newOptions());
  // Asked inside a transaction, that is, of the writer.
  const settings = await db.transaction().execute(async (tx) => ({
    ...(await sql<object>`select * from pragma_synchronous`.execute(tx)).rows[0],
    ...(await sql<object>`select * from pragma_foreign_keys`.execute(tx)).rows[0],
    ...(await sql<object>`select * from pragma_journal_mode`.execute(tx)).rows[0],
  }));
  expect(settings).toEqual({ synchronous: 2, foreign_keys: 1, journal_mode: "wal" });
  await close();
});

it("is refused when it is open already in the same process, and can be opened after it was closed", async () => {
  const options = newOptions();
  const first = await openDatabase(options);
  await expect(openDatabase(options)).rejects.toThrow(/in use by another Headgate process/);
  await first.close();
  const second = await openDatabase(options);
  await second.close();
});

it.each([
  ["a symbol", Symbol("odd")],
  ["a boolean", true],
  ["an object", {}],
  ["a date", new Date()],
  ["undefined", undefined],
  ["not a number", Number.NaN],
])("refuses %s as a parameter, and does the other writes of the moment", async (_, odd) => {
  const { db, close } = await openDatabase(newOptions());
  await migrate(db);
  const put = (name: string, value: unknown) =>
    sql`insert into settings values (${name}, ${value})`.execute(db);
  const outcomes = await Promise.allSettled([put("a", "1"), put("b", odd), put("c", "1")]);
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  expect(outcomes[1]).toMatchObject({
    reason: { message: expect.stringMatching(/^Parameter 2 cannot be stored/) as string },
  });
  await close();
});

it("says what is wrong with a path that is no directory", async () => {
  await expect(openDatabase({ kind: "embedded", directory: "/dev/null/data" })).rejects.toThrow(/ENOTDIR/);
  await mkdir(join(place.path, "taken", "headgate.db"), { recursive: true });
  await expect(openDatabase({ kind: "embedded", directory: join(place.path, "taken") })).rejects.toThrow(
    /unable to open/,
  );
});

it("refuses calls once it is closed, and ends the ones that run", async () => {
  const { db, close } = await openDatabase(newOptions());
  await migrate(db);
  const running = db.insertInto("settings").values({ name: "a", value: "1" }).execute();
  await Promise.allSettled([running, close()]);
  await expect(db.selectFrom("settings").selectAll().execute()).rejects.toThrow(/closed|destroyed/);
});

it.each([
  ["/data", "nfs4"],
  ["/data/deep er", "cifs"],
  ["/data/deep er/local", null],
  ["/home/somebody", "fuse.sshfs"],
  ["/homes", null],
])("of a machine with network mounts, judges %s by the mount that holds it", (path, type) => {
  const mountinfo = [
    "22 1 0:21 / / rw,relatime shared:1 - ext4 /dev/sda1 rw",
    "30 22 0:30 / /data rw shared:2 - nfs4 server:/export rw",
    "31 30 0:31 / /data/deep\\040er rw - cifs //server/share rw",
    "32 31 0:32 / /data/deep\\040er/local rw - xfs /dev/sdb1 rw",
    "33 22 0:33 / /home rw shared:3 master:4 - fuse.sshfs me@host: rw",
  ].join("\n");
  const judged = type ? `The data directory ${path} lies on a network file system (${type})` : "fine";
  expect(wordsOf(() => refuseNetworkFileSystem(mountinfo, path))).toContain(judged);
});

it.each(["20.20.2", "24.14.9", "22.99.0"])(
  "refuses Node %s in words, before the SQLite library can crash",
  (version) => {
    expect(() => refuseOldNode(version)).toThrow(`needs Node 24.15 or newer, and this is ${version}`);
  },
);

it.each(["24.15.0", "24.21.0", "26.0.0"])("accepts Node %s", (version) => {
  expect(() => refuseOldNode(version)).not.toThrow();
});

it("undoes a transaction whose commit fails, and the one that queues behind it is whole", async () => {
  const { db, close } = await openDatabase(newOptions());
  await migrate(db);
  const service = { id: "s", project_id: "nobody", name: "s", created_at: 0 };
  const mark = (name: string) => db.insertInto("settings").values({ name, value: "1" });
  const unsound = runTransaction(db, async (tx) => {
    await sql`pragma defer_foreign_keys = on`.execute(tx);
    await tx.insertInto("services").values(service).execute();
  });
  const sound = runTransaction(db, async (tx) => {
    for (const name of ["a", "b", "c", "d"]) await tx.executeQuery(mark(name));
  });
  const outcomes = await Promise.allSettled([unsound, sound, mark("alone").execute()]);
  expect(outcomes.map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  expect(outcomes[0]).toMatchObject({ reason: { message: "FOREIGN KEY constraint failed" } });
  expect(await db.selectFrom("services").selectAll().execute()).toEqual([]);
  const names = (await db.selectFrom("settings").select("name").orderBy("name").execute()).map(
    ({ name }) => name,
  );
  expect(names).toEqual(["a", "alone", "b", "c", "d"]);
  await close();
});

it("answers short reads while a long one runs", async () => {
  const { db, close } = await openDatabase(newOptions());
  let longIsDone = false;
  const long = sql`
    with recursive n(x) as (select 1 union all select x + 1 from n where x < 20000000) select count(*) from n
  `
    .execute(db)
    .then(() => (longIsDone = true));
  const meanwhile: boolean[] = [];
  const short: Promise<unknown>[] = [];
  while (!longIsDone) {
    short.push(sql`select 1`.execute(db).then(() => meanwhile.push(!longIsDone)));
    await pause(20);
  }
  await Promise.all([long, ...short]);
  expect(meanwhile).toContain(true);
  await close();
});

it("tells of a thread that stopped, ends what waits for it, and refuses what comes later", async () => {
  const fatal = Promise.withResolvers<Error>();
  const thread = `import { parentPort } from "node:worker_threads";
    parentPort.once("message", () => process.exit(3));
    parentPort.postMessage([{ id: 0, outcome: { value: null } }]);`;
  const link = await startWorker(
    { role: "writer", directory: place.path },
    fatal.resolve,
    new URL(`data:text/javascript,${encodeURIComponent(thread)}`),
  );
  const writer = createWriter(link);
  const job = { statements: [{ sql: "delete from settings", parameters: [] }], guard: null };
  const outcomes = await Promise.allSettled([writer.write(job), writer.write(job)]);
  const error = await fatal.promise;
  expect(error.message).toBe("The database worker (writer) stopped: it ended with code 3. Restart Headgate");
  expect(outcomes).toEqual([
    { status: "rejected", reason: error },
    { status: "rejected", reason: error },
  ]);
  await expect(writer.write(job)).rejects.toBe(error);
  await link.close();
});

it("is backed up while it is written to, and the copy has every row acknowledged before", async () => {
  const { db, close } = await openDatabase(newOptions());
  await migrate(db);
  const put = (name: string) =>
    db
      .insertInto("settings")
      .values({ name, value: "x".repeat(1_000) })
      .execute();
  await Promise.all(Array.from({ length: 500 }, (_, index) => put(`before-${index}`)));
  const copy = newOptions();
  await mkdir(copy.directory);
  const file = join(copy.directory, "headgate.db");
  await Promise.all([
    backUpDatabase(db, file),
    ...Array.from({ length: 200 }, (_, index) => put(`during-${index}`)),
  ]);
  expect(await modeOf(file)).toBe(0o600);
  await expect(backUpDatabase(db, file)).rejects.toThrow(/EEXIST/);
  await close();

  const restored = await openDatabase(copy);
  expect(await migrate(restored.db)).toEqual([]);
  const query = restored.db.selectFrom("settings").select("name").where("name", "like", "before-%");
  expect(await query.execute()).toHaveLength(500);
  await restored.close();
});
