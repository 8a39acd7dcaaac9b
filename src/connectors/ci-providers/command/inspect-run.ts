import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import type * as z from "zod";
import { isMissing } from "../../../storage/durable-files.ts";
import { HERE, isAlive } from "./process-identity.ts";
import { RUN_FILES } from "./run-files.ts";
import { ProcessRecord, RunClaim, RunEnd } from "./run-records.ts";

/** Many beats: a wrapper elsewhere that has not touched its claim for so long is not there any more. */
const SILENCE_MILLIS = 120_000;

/** What a run's directory and the system's processes say of a run. */
export interface RunFacts {
  /** Null: it cannot be read, so nobody knows what was claimed. */
  readonly claim: RunClaim | null;
  readonly program: ProcessRecord | null;
  readonly end: RunEnd | null;
  readonly cancelAsked: boolean;
  /**
   * `watched`: its wrapper is there and will write down how it ends. `adopted`: the wrapper is gone, but the program
   * runs. `gone`: neither is there.
   */
  readonly life: "watched" | "adopted" | "gone";
}

/**
 * Reads a run; null: there is no such directory. The order matters: a wrapper writes the end before it goes, so when the
 * end is looked for after the wrapper, a wrapper that is gone has written all that it ever will.
 */
export async function inspectRun(folder: string): Promise<RunFacts | null> {
  if (!(await exists(folder))) return null;
  const claim = await readRecord(folder, RUN_FILES.claim, RunClaim);
  const watched = claim !== null && (await isWatched(claim, folder));
  const program = await readRecord(folder, RUN_FILES.program, ProcessRecord);
  const adopted = !watched && program !== null && isAlive(program);
  const cancelAsked = await exists(join(folder, RUN_FILES.cancel));
  const end = await readRecord(folder, RUN_FILES.end, RunEnd);
  return { claim, program, end, cancelAsked, life: watched ? "watched" : adopted ? "adopted" : "gone" };
}

async function isWatched({ wrapper }: RunClaim, folder: string): Promise<boolean> {
  if (wrapper.place === HERE) return isAlive(wrapper);
  const { mtimeMs } = await stat(join(folder, RUN_FILES.claim));
  return Date.now() - mtimeMs < SILENCE_MILLIS;
}

/** Null: it is not there, or nothing that we wrote. */
export async function readRecord<Schema extends z.ZodType>(
  folder: string,
  name: string,
  schema: Schema,
): Promise<z.output<Schema> | null> {
  const text = await readFile(join(folder, name), "utf8").catch((error: unknown) => {
    if (isMissing(error)) return "";
    throw error;
  });
  return schema.safeParse(parse(text)).data ?? null;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );
