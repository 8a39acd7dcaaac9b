import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { ExternalSystemError } from "../../../kernel/errors.ts";

/** One call of git. */
export interface GitCall {
  /** The program's name or path. */
  readonly program: string;
  /** The bare repository that it works on: its working directory, so a git left alone never writes in another's place. */
  readonly repository: string;
  readonly args: readonly string[];
  /** All of its environment but for the PATH. */
  readonly environment: Readonly<Record<string, string>>;
  readonly input?: string;
  /** Ends git and all that it started; the call then rejects with the signal's reason. */
  readonly signal: AbortSignal;
}

/** How git ended; `code` is null when something killed it. */
export interface GitEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** More than any call of ours prints. */
const LONGEST_OUTPUT = 4 * 1024 * 1024;
/** Git says at the end what went wrong. */
const KEPT_COMPLAINT = 8 * 1024;

/** Git starts programs that speak to hosts and unpack: all of them are in its process group. */
function killGroup(child: ChildProcess): void {
  try {
    if (child.pid === undefined || process.platform === "win32") child.kill("SIGKILL");
    else process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

/** The repository is not there, for it is being replaced. */
export class RepositoryGoneError extends Error {
  override readonly name = "RepositoryGoneError";
}

function notRunnable({ program, repository }: GitCall, error: Error): Error {
  if (!existsSync(repository)) return new RepositoryGoneError(`there is no repository in ${repository}`);
  const missing = "code" in error && error.code === "ENOENT";
  const reason = missing ? "it is not installed on this machine" : error.message;
  return new ExternalSystemError(`running ${program}: ${reason}`, {
    system: "git",
    retryable: false,
    cause: error,
  });
}

/** Runs git without a shell and waits until it and all that it started are gone. Any end is an answer. */
export async function runGit(call: GitCall): Promise<GitEnd> {
  const { program, signal } = call;
  signal.throwIfAborted();
  return new Promise((resolve, reject) => {
    const child = spawn(program, call.args, {
      cwd: call.repository,
      env: { PATH: process.env["PATH"], GIT_DIR: ".", ...call.environment },
      // A process group of its own.
      detached: process.platform !== "win32",
      stdio: ["pipe", "pipe", "pipe"],
    });
    const kill = (): void => killGroup(child);
    let stdout = "";
    let stderr = "";
    let failed: Error | null = null;
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
      if (stdout.length > LONGEST_OUTPUT) kill();
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr = (stderr + text).slice(-KEPT_COMPLAINT);
    });
    // It may end before it has read everything.
    child.stdin.on("error", () => {}).end(call.input ?? "");
    signal.addEventListener("abort", kill, { once: true });
    child.once("error", (error) => void (failed = error));
    child.once("close", (code) => {
      signal.removeEventListener("abort", kill);
      if (failed) reject(notRunnable(call, failed));
      else if (signal.aborted) reject(signal.reason);
      else resolve({ code, stdout, stderr });
    });
  });
}
