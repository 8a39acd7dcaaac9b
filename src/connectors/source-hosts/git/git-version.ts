import { ExternalSystemError } from "../../../kernel/errors.ts";
import { LOCAL_ENVIRONMENT } from "./git-environment.ts";
import { runGit } from "./run-git.ts";

/** An older git would not heed the environment that keeps it from reaching everything. */
const OLDEST = { major: 2, minor: 32 };

/** Refuses a git that is too old to be kept within bounds. Throws ExternalSystemError. */
export async function requireGit(program: string, directory: string, signal: AbortSignal): Promise<void> {
  const environment = LOCAL_ENVIRONMENT;
  const { stdout } = await runGit({ program, repository: directory, args: ["version"], environment, signal });
  const [, major = 0, minor = 0] = (/ (\d+)\.(\d+)/.exec(stdout) ?? []).map(Number);
  if (major > OLDEST.major || (major === OLDEST.major && minor >= OLDEST.minor)) return;
  const needed = `${OLDEST.major}.${OLDEST.minor}`;
  throw new ExternalSystemError(`running git: version ${needed} or newer is needed, not ${stdout.trim()}`, {
    system: "git",
    retryable: false,
  });
}
