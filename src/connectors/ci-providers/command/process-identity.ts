import { spawnSync } from "node:child_process";
import { readFileSync, readlinkSync } from "node:fs";
import { hostname } from "node:os";
import type { ProcessRecord } from "./run-records.ts";

/*
 * Linux tells in /proc when a process began (field 22 of stat, in ticks since the boot). Elsewhere `ps -o lstart` does,
 * to the second.
 */
const isLinux = process.platform === "linux";

/** This boot of this machine, and the numbering of processes that we see (a container has its own). */
export const HERE = isLinux ? linuxPlace() : hostname();

function linuxPlace(): string {
  const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
  return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
}

/** Who has this number now; null: nobody who still runs. */
export function identify(pid: number): ProcessRecord | null {
  const started = isLinux ? startInProc(pid) : startInPs(pid);
  return started === null ? null : { pid, started, place: HERE };
}

/** The very process of the record still runs, and here. One that ended and only waits to be noticed does not. */
export const isAlive = (record: ProcessRecord): boolean =>
  record.place === HERE && identify(record.pid)?.started === record.started;

/** Sends a signal to the group that the process leads. False: there is no such process any more, so nothing was sent. */
export function signalGroup(record: ProcessRecord, signal: NodeJS.Signals): boolean {
  if (!isAlive(record)) return false;
  try {
    return process.kill(-record.pid, signal);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ESRCH") return false;
    throw error;
  }
}

function startInProc(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The name of the program stands in brackets, and may have blanks and brackets in it.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state = "X"] = fields;
    return "ZX".includes(state) ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}

function startInPs(pid: number): string | null {
  const { stdout } = spawnSync("/bin/ps", ["-o", "stat=,lstart=", "-p", String(pid)], {
    encoding: "utf8",
    env: { LC_ALL: "C", TZ: "UTC" },
  });
  const [, state = "Z", started = ""] = /^(\S+)\s+(\S.*?)\s*$/.exec(stdout) ?? [];
  return state.startsWith("Z") || started === "" ? null : started;
}
