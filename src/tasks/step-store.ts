import type { Compilable } from "kysely";
import type { Database } from "../storage/database.ts";

/** What the log of a task holds of one step or sleep. */
export interface LoggedStep {
  readonly state: "done" | "sleeping";
  /** What the step returned, as JSON; null when it returned nothing. */
  readonly resultJson: string | null;
  /** When a sleep is over, epoch ms. */
  readonly wakeAtMillis: number | null;
}

/** The log of a task by name. */
export async function readSteps(db: Database, taskId: string): Promise<ReadonlyMap<string, LoggedStep>> {
  const rows = await db.selectFrom("task_steps").selectAll().where("task_id", "=", taskId).execute();
  return new Map(
    rows.map((row) => [
      row.name,
      {
        state: row.state === "sleeping" ? "sleeping" : "done",
        resultJson: row.result_json,
        wakeAtMillis: row.wake_at,
      },
    ]),
  );
}

/** One more entry of the log. */
export interface StepToLog extends LoggedStep {
  readonly name: string;
  /** Null for a sleep. */
  readonly finishedAtMillis: number | null;
}

/** The statement that adds to the log; it runs together with the one that proves the lease. */
export const insertSteps = (db: Database, taskId: string, steps: readonly StepToLog[]): Compilable =>
  db.insertInto("task_steps").values(
    steps.map((step) => ({
      task_id: taskId,
      name: step.name,
      state: step.state,
      result_json: step.resultJson,
      wake_at: step.wakeAtMillis,
      finished_at: step.finishedAtMillis,
    })),
  );

/** The first signal of this name that was sent to the task, as JSON; null when none was. */
export async function findSignal(db: Database, taskId: string, name: string): Promise<string | null> {
  const row = await db
    .selectFrom("task_signals")
    .select("payload_json")
    .where("task_id", "=", taskId)
    .where("name", "=", name)
    .executeTakeFirst();
  return row?.payload_json ?? null;
}

/** The statements that forget steps and signals: a recurring task begins anew. */
export const clearSteps = (db: Database, taskId: string): readonly Compilable[] => [
  db.deleteFrom("task_steps").where("task_id", "=", taskId),
  db.deleteFrom("task_signals").where("task_id", "=", taskId),
];
