import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import Sqlite from "better-sqlite3";
import { type Database, openDatabase } from "../src/storage/database.ts";
import { migrate } from "../src/storage/migrate.ts";
import { runTransaction } from "../src/storage/transaction.ts";
import { surroundingsWith } from "./support/parts.ts";
import {
  type Figure,
  printScenario,
  printSurroundings,
  type ScenarioReport,
  writeJson,
} from "./support/report.ts";
import { ratiosOf } from "./support/statistics.ts";

/*
 * What callers get from the embedded database who each wait for their own commit, against what SQLite itself does in
 * one thread with the same table, statement and settings and nothing in between: the limit.
 * `npm run bench:storage -- [--rounds 5] [--seconds 1.5] [--json file]`
 */

const CALLERS = 64;
const ROWS_IN_TRANSACTION = 4;
const ROWS_TO_READ = 1_000;
const VALUE = "x".repeat(100);

/** Works for about so long; returns how often it did the work. */
type Contender = (seconds: number) => Promise<number> | number;

let lastRow = 0;
const nextRow = () => ({ name: `row-${String((lastRow += 1)).padStart(9, "0")}`, value: VALUE });
const someName = (): string => `read-${Math.floor(Math.random() * ROWS_TO_READ)}`;

/** So many callers, each of whom asks again when it has its answer. */
const callers =
  (count: number, ask: () => Promise<unknown>): Contender =>
  async (seconds) => {
    const until = performance.now() + seconds * 1_000;
    let answers = 0;
    const call = async (): Promise<void> => {
      for (; performance.now() < until; answers += 1) await ask();
    };
    await Promise.all(Array.from({ length: count }, call));
    return answers;
  };

/** SQLite in this thread; `perCall` is what one call of `work` does. */
const directly =
  (perCall: number, work: () => unknown): Contender =>
  (seconds) => {
    const until = performance.now() + seconds * 1_000;
    let calls = 0;
    for (; performance.now() < until; calls += 1) work();
    return calls * perCall;
  };

interface Comparison {
  readonly scenario: string;
  readonly about: string;
  readonly contenders: Readonly<Record<string, Contender>>;
  /** Each compared with each: ours, theirs. */
  readonly ratios: readonly (readonly [string, string])[];
}

function comparisons(db: Database, sqlite: Sqlite.Database): readonly Comparison[] {
  const insert = sqlite.prepare("insert into settings (name, value) values (?, ?)");
  const insertNext = (): void => {
    const { name, value } = nextRow();
    insert.run(name, value);
  };
  const inserts = (count: number): (() => void) => {
    const commit = sqlite.transaction(() => {
      for (let row = 0; row < count; row += 1) insertNext();
    });
    return () => commit.immediate();
  };
  const select = sqlite.prepare("select * from settings where name = ?");
  const insertOne = () => db.insertInto("settings").values(nextRow()).execute();
  const insertSome = () =>
    runTransaction(db, async (tx) => {
      for (let row = 0; row < ROWS_IN_TRANSACTION; row += 1)
        await tx.insertInto("settings").values(nextRow()).execute();
    });
  const read = () => db.selectFrom("settings").selectAll().where("name", "=", someName()).execute();
  return [
    {
      scenario: "storage-inserts",
      about: "single rows, each on the disk before its caller goes on; rows a second",
      contenders: {
        [`${CALLERS} callers`]: callers(CALLERS, insertOne),
        [`SQLite, ${CALLERS} rows a commit`]: directly(CALLERS, inserts(CALLERS)),
        "one caller": callers(1, insertOne),
        "SQLite, one row a commit": directly(1, inserts(1)),
      },
      ratios: [
        [`${CALLERS} callers`, `SQLite, ${CALLERS} rows a commit`],
        [`${CALLERS} callers`, "SQLite, one row a commit"],
        ["one caller", "SQLite, one row a commit"],
      ],
    },
    {
      scenario: "storage-transactions",
      about: `transactions of ${ROWS_IN_TRANSACTION} inserts, each awaited; transactions a second`,
      contenders: {
        [`${CALLERS} callers`]: callers(CALLERS, insertSome),
        "one caller": callers(1, insertSome),
        SQLite: directly(1, inserts(ROWS_IN_TRANSACTION)),
      },
      ratios: [
        [`${CALLERS} callers`, "SQLite"],
        ["one caller", "SQLite"],
      ],
    },
    {
      scenario: "storage-reads",
      about: "single rows by their key; rows a second",
      contenders: {
        [`${CALLERS} callers`]: callers(CALLERS, read),
        "one caller": callers(1, read),
        SQLite: directly(1, () => select.all(someName())),
      },
      ratios: [
        [`${CALLERS} callers`, "SQLite"],
        ["one caller", "SQLite"],
      ],
    },
  ];
}

async function compare(
  { scenario, about, contenders, ratios }: Comparison,
  rounds: number,
  seconds: number,
): Promise<ScenarioReport> {
  const rates = new Map<string, number[]>();
  // The first round does not count: code is compiled, files grow to their size.
  for (let round = 0; round <= rounds; round += 1)
    for (const [name, contender] of Object.entries(contenders)) {
      const startedAt = performance.now();
      const rate = ((await contender(seconds)) * 1_000) / (performance.now() - startedAt);
      if (round > 0) rates.set(name, [...(rates.get(name) ?? []), rate]);
    }
  const figures = ratios.map(([ours, theirs]): Figure => ({
    name: `${ours} / ${theirs}`,
    value: ratiosOf(rates.get(ours) ?? [], rates.get(theirs) ?? []),
    unit: "x",
    target: null,
  }));
  const samples = Object.fromEntries([...rates].map(([name, values]) => [name, { "per second": values }]));
  return { scenario, about, samples, figures };
}

/** A row for every name that is read. */
const rowsToRead = Array.from({ length: ROWS_TO_READ }, (_, row) => ({ name: `read-${row}`, value: VALUE }));

function openSqlite(file: string): Sqlite.Database {
  const sqlite = new Sqlite(file);
  sqlite.pragma("journal_mode = WAL");
  sqlite.pragma("synchronous = FULL");
  sqlite.exec("create table settings (name text primary key, value text not null)");
  const insert = sqlite.prepare("insert into settings (name, value) values (?, ?)");
  for (const { name, value } of rowsToRead) insert.run(name, value);
  return sqlite;
}

const { values } = parseArgs({
  options: {
    rounds: { type: "string", default: "5" },
    seconds: { type: "string", default: "1.5" },
    json: { type: "string" },
  },
});
const surroundings = { ...surroundingsWith([]), sqlite: sqliteVersion() };
printSurroundings(surroundings);
const folder = await mkdtemp(join(tmpdir(), "headgate-storage-"));
const sqlite = openSqlite(join(folder, "limit.db"));
const { db, close } = await openDatabase({ kind: "embedded", directory: join(folder, "ours") });
try {
  await migrate(db);
  await db.insertInto("settings").values(rowsToRead).execute();
  const reports: ScenarioReport[] = [];
  for (const comparison of comparisons(db, sqlite)) {
    const report = await compare(comparison, Number(values.rounds), Number(values.seconds));
    printScenario(report);
    reports.push(report);
  }
  if (values.json) await writeJson(values.json, surroundings, reports);
} finally {
  await close();
  sqlite.close();
  await rm(folder, { recursive: true, force: true });
}

function sqliteVersion(): string {
  const memory = new Sqlite(":memory:");
  const version = String(memory.prepare("select sqlite_version()").pluck().get());
  memory.close();
  return version;
}
