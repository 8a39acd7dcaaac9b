import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { isMissing } from "../../../storage/durable-files.ts";
import { LOG_PREFIX } from "./run-log.ts";

/** The last characters of a run's log, with a line wherever something was left out; null: there is no log. */
export async function readRunLog(folder: string, limit: number): Promise<string | null> {
  const names = await readdir(folder).catch(unlessMissing);
  const offsets = (names ?? [])
    .filter((name) => name.startsWith(LOG_PREFIX))
    .map((name) => Number(name.slice(LOG_PREFIX.length)))
    .toSorted((a, b) => a - b);
  if (offsets.length === 0) return null;
  let text = "";
  let end = 0;
  for (const offset of offsets) {
    const bytes = await readFile(join(folder, `${LOG_PREFIX}${offset}`)).catch(unlessMissing);
    // A piece that has just made room for another one is left out, too.
    if (bytes === null) continue;
    if (offset > end) text += `\n[${offset - end} bytes of the log were left out]\n`;
    text += bytes.toString();
    end = offset + bytes.length;
  }
  return text.slice(-limit).toWellFormed();
}

function unlessMissing(error: unknown): null {
  if (isMissing(error)) return null;
  throw error;
}

/** The last whole lines of a log that fit into so many characters; of a longer line its end. */
export function lastLines(log: string, limit: number): string {
  const trimmed = log.trimEnd();
  if (trimmed.length <= limit) return trimmed;
  const cut = trimmed.slice(-limit);
  const line = trimmed.at(-limit - 1) === "\n" ? 0 : cut.indexOf("\n") + 1;
  return cut.slice(line).toWellFormed();
}
