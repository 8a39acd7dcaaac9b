import { existsSync } from "node:fs";
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { ExternalSystemError } from "../../../kernel/errors.ts";
import { Id } from "../../../kernel/id.ts";
import { namesSecret } from "../../../kernel/redaction.ts";
import { isMissing } from "../../../storage/durable-files.ts";
import { type CiProvider, type RunRequest, type StartAnswer, StartFailedError } from "../ci-provider.ts";
import { cancelRun } from "./cancel-run.ts";
import { refusalOf } from "./check-request.ts";
import type { Commands, Program } from "./commands-file.ts";
import { readRunLog } from "./read-run-log.ts";
import { readRun } from "./read-run.ts";
import { systemCodeOf } from "./run-files.ts";
import type { RunOrder } from "./run-order.ts";
import { prepareRunsDirectory } from "./runs-directory.ts";
import { startWrapper } from "./start-wrapper.ts";

/*
 * Workflows that are programs of the operator's own, run on the server's machine. A run is a directory named by our id,
 * and claimed by a wrapper, a process of its own that outlives the server:
 *
 *   no directory        → nothing has run
 *   claimed             → its wrapper lives: running
 *   claimed, end.json   → success, failure, canceled or error, as it says
 *   wrapper gone        → the program lives: running (adopted), and an error once it ends, for nobody hears its exit code
 *   both gone           → error: nobody can tell, and it is never run again
 *
 * A directory is claimed once, so a start may be repeated. A run belongs to the runs directory, and so to the host, that
 * started it: where that is not shared, another replica reads null, finds none and cannot cancel. With several
 * replicas all tasks of one run must therefore be carried out at the host that started it, or all replicas share the
 * directory; then each reads every run, and a cancel from elsewhere reaches the program with the wrapper's next beat.
 */

/** Programs of the operator's as workflows. */
export interface CommandProvider extends CiProvider {
  /** The names of the programs that may be run, in order. */
  readonly programs: readonly string[];
  /** Where runs are kept; `removeOldRuns` tidies it. */
  readonly runsDirectory: string;
  /** The last characters of a run's log, masked; null: there is no such run here, or it has said nothing yet. */
  readLog(run: string, limit: number): Promise<string | null>;
}

/** Makes the provider for the programs of the operator's file. Throws StartError when runs cannot be kept. */
export async function createCommandProvider(options: {
  readonly commands: Commands;
  readonly dataDirectory: string;
}): Promise<CommandProvider> {
  const { programs } = options.commands;
  const runsDirectory = await prepareRunsDirectory(options.commands, options.dataDirectory);
  const names = [...programs.keys()].toSorted();
  // Whatever is no id leads nowhere: neither up nor down from the directory.
  const folderOf = (run: string): string | null =>
    Id.safeParse(run).success ? join(runsDirectory, run) : null;

  return {
    canFind: true,
    startRepeats: true,
    programs: names,
    runsDirectory,
    async start(request, signal) {
      const refusal = refusalOf(request, names, new Date());
      const program = programs.get(request.workflow);
      if (refusal !== null || !program)
        return { kind: "refused", text: refusal ?? "There is no such program" };
      return startRun(orderFor(request, program, runsDirectory), signal);
    },
    async find({ id }, claimed) {
      const folder = folderOf(id);
      if (folder === null || claimed.has(id) || !(await reading(isThere(folder)))) return { kind: "none" };
      return { kind: "run", run: id, url: null };
    },
    async read(run, request) {
      const folder = folderOf(run);
      return folder === null ? null : reading(readRun(folder, request));
    },
    async cancel(run, _request, { force }) {
      const folder = folderOf(run);
      const outcome = folder === null ? null : await reading(cancelRun(folder, force));
      if (outcome === null) throw failure("This server has no such run of a program", false);
      return outcome;
    },
    async readLog(run, limit) {
      const folder = folderOf(run);
      return folder === null ? null : reading(readRunLog(folder, limit));
    },
  };
}

async function startRun(order: RunOrder, signal?: AbortSignal): Promise<StartAnswer> {
  const folder = join(order.runsDirectory, order.id);
  const started = { kind: "started", run: order.id, url: null } as const;
  const isClaimed = (): boolean => existsSync(folder);
  if (isClaimed()) return started;
  if (signal?.aborted) throw notSent("The start was given up before it was made");
  const answer = await startWrapper(order, isClaimed, signal);
  if (isClaimed()) return started;
  throw notSent(
    answer?.kind === "failed"
      ? `The run of ${order.program} could not be set up in the directory of runs: ${answer.text}`
      : `The process that runs ${order.program} could not be started`,
  );
}

function orderFor(request: RunRequest, program: Program, runsDirectory: string): RunOrder {
  const { argv, workingDirectory, uid, gid } = program;
  const environment = { ...program.environment, ...request.inputs };
  const secrets = Object.entries(environment).flatMap(([name, value]) => (namesSecret(name) ? [value] : []));
  return {
    id: request.id,
    runsDirectory,
    program: request.workflow,
    argv,
    workingDirectory,
    account: uid === undefined || gid === undefined ? null : { uid, gid },
    environment,
    secrets,
    timeoutMillis: program.timeoutMinutes * 60_000,
    logLimitBytes: program.logLimitBytes,
    releaseJson: request.releaseJson,
  };
}

const failure = (message: string, retryable: boolean): ExternalSystemError =>
  new ExternalSystemError(message, { system: "commands", retryable });

/** Nothing runs, and nothing will by this start: the wrapper claimed nothing and is gone. */
const notSent = (message: string): StartFailedError =>
  new StartFailedError("not_sent", failure(message, true));

const isThere = (folder: string): Promise<boolean> =>
  stat(folder).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw error;
    },
  );

/** A disk that fails is a failure of the outside, and worth another try. */
const reading = <T>(work: Promise<T>): Promise<T> =>
  work.catch((error: unknown) => {
    throw failure(`The directory of runs cannot be used: ${systemCodeOf(error)}`, true);
  });
