import { type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { utimesSync } from "node:fs";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { maskLines } from "./mask-lines.ts";
import { HERE, identify } from "./process-identity.ts";
import { readCancelMark, RUN_FILES, systemCodeOf, writeRecord } from "./run-files.ts";
import { openRunLog, type RunLog } from "./run-log.ts";
import type { RunOrder } from "./run-order.ts";
import type { CancelMark, RunEnd } from "./run-records.ts";

type Program = ChildProcessByStdio<null, Readable, Readable>;

/** How often the claim is touched: a process elsewhere, which cannot see ours, knows by it that the run is watched. */
export const BEAT_MILLIS = 5000;
/** Between asking a program that is over its time to end, and ending it. */
const PATIENCE_MILLIS = 10_000;
/** How long the last words of a program are waited for when something that it left behind keeps its output open. */
const LAST_WORDS_MILLIS = 2000;

/** Runs the program of a claimed run to its end. Called once, by the process that claimed the run. */
export async function superviseProgram(order: RunOrder, folder: string): Promise<RunEnd> {
  if (readCancelMark(folder)) return endOf({ notStarted: "it was canceled first", canceled: true });
  let log: RunLog;
  let program: Program;
  try {
    log = openRunLog(folder, order.logLimitBytes);
    program = start(order, folder);
    await once(program, "spawn");
  } catch (error) {
    return endOf({ notStarted: wordsFor(systemCodeOf(error)) });
  }
  const exit = once(program, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
  const said = copyOutput(program, log, order.secrets);
  const watch = watchProgram(program, order, folder);
  const [code, signal] = await exit;
  watch.stop();
  // Before anything else: who asks from now on comes too late.
  const canceled = readCancelMark(folder) !== null;
  await Promise.race([said, sleep(LAST_WORDS_MILLIS)]);
  if (canceled || watch.timedOut()) await endGroup(program);
  return endOf({ code, signal, canceled, timedOut: watch.timedOut() });
}

const endOf = (facts: Partial<RunEnd>): RunEnd => ({
  endedAt: new Date().toISOString(),
  code: null,
  signal: null,
  notStarted: null,
  canceled: false,
  timedOut: false,
  ...facts,
});

function start({ argv, workingDirectory, account, environment }: RunOrder, folder: string): Program {
  const [file = "", ...rest] = argv;
  return spawn(file, rest, {
    cwd: workingDirectory,
    env: { ...environment, HEADGATE_RELEASE_FILE: join(folder, RUN_FILES.release) },
    // A group of its own, so that a cancel reaches all that it starts and nothing of ours.
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
    ...account,
  });
}

function copyOutput(program: Program, log: RunLog, secrets: readonly string[]): Promise<unknown> {
  const streams = [program.stdout, program.stderr].map(async (stream) => {
    const lines = maskLines(secrets, (line) => log.write(line));
    stream.setEncoding("utf8").on("data", (text: string) => lines.push(text));
    await once(stream, "close");
    lines.end();
  });
  return Promise.all(streams);
}

function watchProgram(program: Program, order: RunOrder, folder: string) {
  const record = keepRecord(program, folder);
  let late = false;
  let obeyed: NodeJS.Signals | null = null;
  const obey = (mark: CancelMark | null): void => {
    const asked = mark && (mark.force ? "SIGKILL" : "SIGTERM");
    if (asked !== null && asked !== obeyed) signal(program, asked);
    obeyed = asked;
  };
  // Who asked for its end before it was on record could not reach it.
  obey(readCancelMark(folder));
  const beat = setInterval(() => {
    record.keep();
    touch(join(folder, RUN_FILES.claim));
    const mark = readCancelMark(folder);
    if (mark?.place !== HERE) obey(mark);
  }, BEAT_MILLIS);
  const timers = [
    beat,
    setTimeout(() => {
      late = true;
      signal(program, "SIGTERM");
    }, order.timeoutMillis),
    setTimeout(() => signal(program, "SIGKILL"), order.timeoutMillis + PATIENCE_MILLIS),
  ];
  return {
    timedOut: () => late,
    stop: () => {
      for (const timer of timers) clearTimeout(timer);
    },
  };
}

/** Writes down which process the program is, as soon as the disk takes it: needed only by who comes when we are gone. */
function keepRecord({ pid }: Program, folder: string) {
  // One that has ended already needs no record: nobody will look for it.
  let record = pid === undefined ? null : identify(pid);
  const keep = (): void => {
    try {
      if (record) writeRecord(folder, RUN_FILES.program, record);
      record = null;
    } catch {
      // The disk is full, and the program runs all the same: tried again at the next beat.
    }
  };
  keep();
  return { keep };
}

/** As its parent we know that the number is still the program's: it is not free before we have heard of the end. */
function signal({ pid, exitCode, signalCode }: Program, name: NodeJS.Signals): void {
  if (pid !== undefined && exitCode === null && signalCode === null) sendToGroup(pid, name);
}

/** What the program started must not outlive a cancel: it is given the patience that the program itself had. */
async function endGroup({ pid }: Program): Promise<void> {
  if (pid === undefined) return;
  for (let waited = 0; waited < PATIENCE_MILLIS; waited += 100) {
    // The number of a group that has members is given to nobody else.
    if (!sendToGroup(pid, 0)) return;
    await sleep(100);
  }
  sendToGroup(pid, "SIGKILL");
}

function sendToGroup(pid: number, name: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(-pid, name);
  } catch {
    return false;
  }
}

function touch(path: string): void {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // A run whose directory was taken away is told of nowhere; its program goes on.
  }
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "the program, or its working directory, is not there",
  EACCES: "the program, or its working directory, may not be used",
  EPERM: "the server may not run it as that user",
  E2BIG: "its environment is too large",
  ENOEXEC: "the file is no program",
};

const wordsFor = (code: string): string => `${WORDS[code] ?? "the system refused it"} (${code})`;
