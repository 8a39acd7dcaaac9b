import { chmod, realpath, stat } from "node:fs/promises";
import { dirname, join } from "node:path";
import { messageOf, StartError } from "../../../kernel/errors.ts";
import { makeDirectory } from "../../../storage/durable-files.ts";
import type { Commands, Program } from "./commands-file.ts";

const RUNS_FOLDER = "runs";

/**
 * Makes the directory of runs and returns its real path: 0700, or 0711 when a program has a user of its own, who must get
 * to its release file. Throws StartError when it cannot.
 */
export async function prepareRunsDirectory(commands: Commands, dataDirectory: string): Promise<string> {
  const wanted = commands.runsDirectory ?? join(dataDirectory, RUNS_FOLDER);
  const accounts = [...commands.programs].filter(([, { uid }]) => uid !== undefined);
  try {
    await makeDirectory(wanted);
    const directory = await realpath(wanted);
    await chmod(directory, accounts.length > 0 ? 0o711 : 0o700);
    for (const [name, program] of accounts) await requirePassage(directory, name, program);
    return directory;
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`The directory of runs ${wanted} cannot be used: ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/** Every directory above must let the program's user through; a data directory of the usual mode, 0700, does not. */
async function requirePassage(directory: string, name: string, program: Program): Promise<void> {
  for (let path = directory; ; path = dirname(path)) {
    if (!mayPass(program, await stat(path)))
      throw new StartError(
        `Program ${name} runs as user ${program.uid}, who cannot get to its release file through ${path}: ` +
          "set runsDirectory in the commands file to a directory that other users may pass through (0711)",
      );
    if (path === dirname(path)) return;
  }
}

function mayPass(
  { uid, gid }: Program,
  facts: { readonly mode: number; readonly uid: number; readonly gid: number },
): boolean {
  if (facts.uid === uid) return (facts.mode & 0o100) !== 0;
  return (facts.mode & (facts.gid === gid ? 0o010 : 0o001)) !== 0;
}
