import { readdir, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { Id } from "../../../kernel/id.ts";
import { isMissing } from "../../../storage/durable-files.ts";
import { inspectRun } from "./inspect-run.ts";
import { DRAFT_PREFIX, RUN_FILES } from "./run-files.ts";

const DAY_MILLIS = 86_400_000;

/** How long a run that has ended is kept, and with it the certainty that it is not run again. */
export const KEPT_MILLIS = 30 * DAY_MILLIS;

/** Removes the directories of runs that ended more than 30 days ago; returns how many. One that runs is never touched. */
export async function removeOldRuns(directory: string, now: Date): Promise<number> {
  const names = await readdir(directory).catch(unlessMissing);
  let removed = 0;
  for (const name of names ?? []) {
    const folder = join(directory, name);
    if (!(await isOver(folder, name, now))) continue;
    await rm(folder, { recursive: true, force: true });
    removed += 1;
  }
  return removed;
}

async function isOver(folder: string, name: string, now: Date): Promise<boolean> {
  const ageOf = (moment: Date): number => now.getTime() - moment.getTime();
  // What a wrapper did not live to claim.
  if (name.startsWith(DRAFT_PREFIX)) {
    const facts = await stat(folder).catch(unlessMissing);
    return facts !== null && ageOf(facts.mtime) > DAY_MILLIS;
  }
  if (!Id.safeParse(name).success) return false;
  const facts = await inspectRun(folder);
  if (!facts) return false;
  if (facts.end) return ageOf(new Date(facts.end.endedAt)) > KEPT_MILLIS;
  if (facts.life !== "gone") return false;
  const last = await stat(join(folder, facts.claim ? RUN_FILES.claim : ".")).catch(unlessMissing);
  return last !== null && ageOf(last.mtime) > KEPT_MILLIS;
}

function unlessMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}
