import { readdirSync, readFileSync } from "node:fs";

/** Linux counts a process's time in hundredths of a second where it does so in ticks. */
const TICKS_PER_SECOND = 100;

/** Begins to count a process's CPU time; the function returned says how many seconds it has used since. */
export function countCpu(pid: number): () => number {
  const before = { ticks: ticksOf(pid), threads: nanosByThread(pid) };
  return () => {
    const threads = nanosByThread(pid);
    // A thread that is gone took its nanoseconds along; the ticks of the process keep those of all.
    const exact = threads.size > 0 && [...before.threads.keys()].every((thread) => threads.has(thread));
    if (!exact) return (ticksOf(pid) - before.ticks) / TICKS_PER_SECOND;
    const sum = (values: Iterable<number>): number => [...values].reduce((total, nanos) => total + nanos, 0);
    return (sum(threads.values()) - sum(before.threads.values())) / 1e9;
  };
}

/** The CPU time that a process has used since it began, in seconds, to a hundredth. */
export const cpuSecondsOf = (pid: number): number => ticksOf(pid) / TICKS_PER_SECOND;

/** User and system time of the process, ended threads included. */
function ticksOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}

/** Time on a CPU of every living thread; empty where the kernel does not tell. */
function nanosByThread(pid: number): Map<string, number> {
  try {
    return new Map(
      readdirSync(`/proc/${pid}/task`).map((thread) => {
        const text = readFileSync(`/proc/${pid}/task/${thread}/schedstat`, "utf8");
        return [thread, Number(text.split(" ")[0])];
      }),
    );
  } catch {
    return new Map();
  }
}

/** Resident memory of a process now and at its highest since it began, in megabytes (10^6 bytes). */
export function memoryOf(pid: number): { readonly now: number; readonly peak: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const megabytes = (name: string): number =>
    (Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) * 1024) / 1e6;
  return { now: megabytes("VmRSS"), peak: megabytes("VmHWM") };
}
