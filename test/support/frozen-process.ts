import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { setTimeout as pause } from "node:timers/promises";

/** Stops every thread of a process where it is; returns when none of them runs, nor is in the kernel. */
export async function freeze(child: ChildProcess): Promise<void> {
  if (!child.kill("SIGSTOP")) throw new Error("the process has ended by itself");
  while (!(await allStopped(child.pid ?? 0))) await pause(5);
}

/** man 5 proc: the state stands behind the name, which is in brackets; T: stopped. */
async function allStopped(pid: number): Promise<boolean> {
  const threads = await readdir(`/proc/${pid}/task`);
  const lines = await Promise.all(threads.map((id) => readFile(`/proc/${pid}/task/${id}/stat`, "utf8")));
  return lines.every((line) => line.slice(line.lastIndexOf(")") + 2).startsWith("T"));
}

/** Ends a process that may be frozen, and waits until it is gone. */
export async function endProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, "exit");
  child.kill("SIGKILL");
  await gone;
}
