import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { afterEach, describe, expect, it } from "vitest";
import type { Database } from "../../src/storage/database.ts";
import { enqueue } from "../../src/tasks/task-queue.ts";
import { startDatabaseDoor } from "../support/database-door.ts";
import { type Engine, eachEngine } from "../support/databases.ts";
import {
  readLog,
  startWorkerProcess,
  type WorkerLine,
  type WorkerProcess,
} from "../support/task-processes.ts";
import { reaches } from "../support/task-runners.ts";
import type { WorkerOptions } from "../support/task-worker.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

/** How often a worker is killed; HEADGATE_SOAK=1 for the long form. */
const ROUNDS = process.env["HEADGATE_SOAK"] ? 50 : 5;
const TASKS = 3;
const STEPS = ROUNDS * 4 + 4;

const tidy: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const step of tidy.splice(0).toReversed()) await step();
});

const worker = (options: WorkerOptions): WorkerProcess => {
  const started = startWorkerProcess(options);
  tidy.push(() => started.kill());
  return started;
};

/** A database with tasks in it, and the directory in which workers tell what they do. */
async function scene(engine: Engine, tasks: number, steps: number) {
  const database = await engine.open();
  const { path: directory, remove } = await temporaryDirectory();
  tidy.push(remove);
  const ids: string[] = [];
  for (let count = 0; count < tasks; count += 1)
    ids.push(await enqueue(database.db, new Date(), { kind: "counting", version: 1, payload: { steps } }));
  const options = {
    database: database.options,
    directory,
    leaseMillis: 1_000,
    stepMillis: 30,
    stalls: false,
  };
  return { database, ids, options, directory };
}

const finished = (lines: readonly WorkerLine[]) => lines.filter((line) => line.what === "finished");
const refused = (lines: readonly WorkerLine[]) => lines.some((line) => line.what === "refused");
const isBusy = (lines: readonly WorkerLine[], pid: number) => lines.some((line) => line.pid === pid);
const isInStep = (lines: readonly WorkerLine[], pid: number) =>
  lines.at(-1)?.what === "begun" && lines.at(-1)?.pid === pid;
const haveFinished = (lines: readonly WorkerLine[], steps: readonly string[]) =>
  steps.every((step) => finished(lines).some((line) => line.step === step));

/** Steps that were begun again after they had finished. */
function repeated(lines: readonly WorkerLine[]): readonly string[] {
  const done = new Set<string>();
  const again: string[] = [];
  for (const { what, step } of lines) {
    if (what === "finished") done.add(step);
    if (what === "begun" && done.has(step)) again.push(step);
  }
  return again;
}

/** Who committed the steps, by process id. */
const committers = async (db: Database) =>
  (await db.selectFrom("settings").select("value").execute()).map((mark) => Number(mark.value));

/** What holds on both engines. */
function killedAgainAndAgain(engine: Engine): void {
  it(`are carried out to the end, each step once, when their worker is killed ${ROUNDS} times in the middle of a step`, async () => {
    const { database, ids, options, directory } = await scene(engine, TASKS, STEPS);
    await database.close();
    for (let round = 0; round < ROUNDS; round += 1) {
      const before = finished(readLog(directory)).length;
      const victim = worker(options);
      await victim.shows(
        (lines) => refused(lines) || (finished(lines).length > before && isInStep(lines, victim.pid)),
      );
      await pause(Math.random() * options.stepMillis);
      await victim.kill();
    }
    const last = worker(options);
    const lastSteps = ids.map((id) => `${id}/${STEPS - 1}`);
    const lines = await last.shows((all) => refused(all) || haveFinished(all, lastSteps));
    // Time to write the end of the last task.
    await pause(options.leaseMillis);
    await last.kill();

    expect(repeated(lines)).toEqual([]);
    const { db } = await database.reopen();
    const tasks = await db
      .selectFrom("tasks")
      .select(["id", "state", "error", "attempt"])
      .orderBy("id")
      .execute();
    expect(tasks).toEqual(ids.toSorted().map((id) => ({ id, state: "done", error: null, attempt: 1 })));
    expect(await committers(db)).toHaveLength(TASKS * STEPS);
  }, 900_000);
}

/** Several workers on one database. */
function shared(engine: Engine): void {
  it("go on, no step of them lost or repeated, when their database was gone for ten seconds", async () => {
    const steps = 40;
    const { database, ids, options, directory } = await scene(engine, TASKS, steps);
    const door = await startDatabaseDoor(database.url ?? "");
    tidy.push(() => door.stop());
    const only = worker({ ...options, database: { kind: "postgres", url: door.url } });
    await only.shows((lines) => finished(lines).length > TASKS);
    door.shut();
    await pause(10_000);
    expect(finished(readLog(directory)).length).toBeLessThan(TASKS * steps);
    door.open();
    for (const id of ids)
      expect(await reaches(database.db, id, "done", "failed")).toMatchObject({
        state: "done",
        attempt: 1,
        error: null,
      });
    expect(repeated(readLog(directory))).toEqual([]);
    expect(await committers(database.db)).toHaveLength(TASKS * steps);
  }, 120_000);

  it("are taken over within two leases when their worker never returns", async () => {
    const { database, ids, options, directory } = await scene(engine, 1, 2);
    const patient = { ...options, leaseMillis: 2_000 };
    const first = worker({ ...patient, stalls: true });
    await first.shows((lines) => isBusy(lines, first.pid));
    const second = worker(patient);
    // The second one is there, and the first one's lease has been renewed.
    await pause(2_000);
    expect(isBusy(readLog(directory), second.pid)).toBe(false);
    await first.kill();
    const killedAt = Date.now();
    await reaches(database.db, ids[0] ?? "", "done");
    const taken = readLog(directory).find((line) => line.pid === second.pid);
    expect(Number(taken?.rest) - killedAt).toBeLessThanOrEqual(2 * patient.leaseMillis);
    expect(await committers(database.db)).toEqual([second.pid, second.pid]);
  });

  it("cannot be written by a worker that was frozen and woke up after another had taken over", async () => {
    const { database, ids, options, directory } = await scene(engine, 1, 2);
    const zombie = worker({ ...options, stalls: true });
    await zombie.shows((lines) => isBusy(lines, zombie.pid));
    zombie.signal("SIGSTOP");
    const successor = worker(options);
    await reaches(database.db, ids[0] ?? "", "done");
    writeFileSync(join(directory, "go"), "");
    zombie.signal("SIGCONT");
    const wrote = (lines: readonly WorkerLine[]) =>
      lines.filter((line) => line.pid === zombie.pid && line.what !== "begun");
    const lines = await zombie.shows((all) => wrote(all).length > 0);
    expect(wrote(lines)).toEqual([
      { what: "refused", step: `${ids[0]}/0`, pid: zombie.pid, rest: "LeaseLostError" },
    ]);
    expect(await committers(database.db)).toEqual([successor.pid, successor.pid]);
    expect((await reaches(database.db, ids[0] ?? "", "done")).fence).toBe(2);
  });
}

/** One worker at a time. */
function owned(engine: Engine): void {
  it("are taken up at once after a restart when their worker hung and was killed", async () => {
    const { database, ids, options } = await scene(engine, 1, 2);
    await database.close();
    const long = { ...options, leaseMillis: 3_900_000 };
    const first = worker({ ...long, stalls: true });
    await first.shows((lines) => isBusy(lines, first.pid));
    await first.kill();
    const second = worker(long);
    await second.shows((lines) => haveFinished(lines, [`${ids[0]}/1`]));
    await second.kill();
    const { db } = await database.reopen();
    expect(await committers(db)).toEqual([second.pid, second.pid]);
  });
}

const journeys = { embedded: owned, postgres: shared } as const satisfies Record<
  Engine["kind"],
  (engine: Engine) => void
>;

eachEngine((engine) => {
  describe("tasks", () => {
    killedAgainAndAgain(engine);
    journeys[engine.kind](engine);
  });
});
