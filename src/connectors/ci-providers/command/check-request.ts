import { Id } from "../../../kernel/id.ts";
import type { RunRequest } from "../ci-provider.ts";
import { INPUT_NAME } from "./commands-file.ts";
import { KEPT_MILLIS } from "./remove-old-runs.ts";

/** Linux takes no longer text into an environment: 32 pages, with the name, "=" and the NUL at its end. */
const VARIABLE_LIMIT_BYTES = 32 * 4096;
/** A quarter of a stack of 8 MiB is what Linux allows for all of them; some is left for the operator's own. */
const ENVIRONMENT_LIMIT_BYTES = 1024 * 1024;

/** Why this request can never be carried out; null: it can. Names only, for callers are not to learn any path. */
export function refusalOf(request: RunRequest, programs: readonly string[], now: Date): string | null {
  if (!Id.safeParse(request.id).success) return "The id of a run must be 24 hex digits";
  if (!programs.includes(request.workflow)) return unlisted(programs);
  // Its directory may be gone by now, and with it what would keep it from being run twice.
  if (now.getTime() - request.intendedAt.getTime() > KEPT_MILLIS / 2)
    return "The run was meant to start more than 15 days ago";
  return refusedInput(request.inputs);
}

const unlisted = (programs: readonly string[]): string =>
  programs.length === 0
    ? "The operator of this server allows no programs"
    : `The operator of this server allows no such program; allowed: ${programs.join(", ")}`;

function refusedInput(inputs: RunRequest["inputs"]): string | null {
  let total = 0;
  for (const [name, value] of Object.entries(inputs)) {
    if (!INPUT_NAME.test(name))
      return `An input must be named HEADGATE_… or AVIATOR_… in capitals, and ${JSON.stringify(name.slice(0, 100))} is not`;
    if (value.includes("\0")) return `The input ${name} has a NUL in it`;
    const bytes = Buffer.byteLength(name) + Buffer.byteLength(value) + 2;
    if (bytes > VARIABLE_LIMIT_BYTES)
      return `The input ${name} has more than 128 KiB, which no environment takes: the release file has it all`;
    total += bytes;
  }
  return total > ENVIRONMENT_LIMIT_BYTES ? "The inputs have more than 1 MiB together" : null;
}
