import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { RunReading, RunRequest } from "../../src/connectors/ci-providers/ci-provider.ts";
import {
  type CommandProvider,
  createCommandProvider,
} from "../../src/connectors/ci-providers/command/command-provider.ts";
import { loadCommands } from "../../src/connectors/ci-providers/command/commands-file.ts";
import { ProcessRecord, RunClaim } from "../../src/connectors/ci-providers/command/run-records.ts";
import { newId } from "../../src/kernel/id.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A program of a test: the text of a script for /bin/sh, or the argv of something that is there. */
interface TestProgram {
  readonly script?: string;
  readonly argv?: readonly string[];
  readonly [setting: string]: unknown;
}

/** A server's directory with an operator's file of programs, and a provider for them. */
export interface ProgramScene {
  readonly folder: string;
  readonly commandsFile: string;
  readonly dataDirectory: string;
  readonly provider: CommandProvider;
  /** Another provider on the same directories, as another process would have. */
  again(): Promise<CommandProvider>;
  /** A request for this program, with an id of its own. */
  request(program: string, inputs?: Readonly<Record<string, string>>): RunRequest;
  /** Starts it and returns how it ended. */
  runToEnd(request: RunRequest): Promise<RunReading>;
  /** Waits until it has ended. */
  untilEnded(request: RunRequest): Promise<RunReading>;
  /** The process that watches the run, and that of its program. */
  processesOf(id: string): Promise<{ readonly wrapper: ProcessRecord; readonly program: ProcessRecord }>;
  readonly remove: () => Promise<void>;
}

/** Asks again until there is an answer; the test's own limit ends it. */
export async function until<T>(ask: () => Promise<T | null> | T | null): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    await sleep(20);
  }
}

/** Sets up these programs; `settings` are more of the operator's file. */
export async function programScene(
  programs: Readonly<Record<string, TestProgram>>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<ProgramScene> {
  const place = await temporaryDirectory();
  const folder = place.path;
  const dataDirectory = join(folder, "data");
  await mkdir(dataDirectory, { mode: 0o700 });
  const listed: Record<string, unknown> = {};
  for (const [name, { script, ...rest }] of Object.entries(programs))
    listed[name] = script === undefined ? rest : { argv: [await writeScript(folder, name, script)], ...rest };
  const commandsFile = join(folder, "commands.json");
  await writeFile(commandsFile, JSON.stringify({ programs: listed, ...settings }), { mode: 0o600 });
  const again = async (): Promise<CommandProvider> =>
    createCommandProvider({ commands: await loadCommands(commandsFile), dataDirectory });
  const provider = await again();
  const untilEnded = (request: RunRequest): Promise<RunReading> =>
    until(async () => {
      const reading = await provider.read(request.id, request);
      return reading && !["queued", "running"].includes(reading.state) ? reading : null;
    });
  const recordOf = async (id: string, name: string): Promise<unknown> =>
    until(() => readJson(join(provider.runsDirectory, id, name)));
  return {
    folder,
    commandsFile,
    dataDirectory,
    provider,
    again,
    request: requestFor,
    untilEnded,
    async runToEnd(request) {
      const answer = await provider.start(request);
      if (answer.kind !== "started") throw new Error(`The run was not started: ${JSON.stringify(answer)}`);
      return untilEnded(request);
    },
    processesOf: async (id) => ({
      wrapper: RunClaim.parse(await recordOf(id, "claim.json")).wrapper,
      program: ProcessRecord.parse(await recordOf(id, "program.json")),
    }),
    remove: place.remove,
  };
}

/** A request as a deployment makes one. */
export const requestFor = (program: string, inputs: Readonly<Record<string, string>> = {}): RunRequest => ({
  id: newId(new Date()),
  label: "17",
  workflow: program,
  repository: null,
  ref: null,
  inputs,
  releaseJson: '{"version":"1.0.0"}',
  intendedAt: new Date(),
});

async function writeScript(folder: string, name: string, script: string): Promise<string> {
  const path = join(folder, `${name}.sh`);
  await writeFile(path, `#!/bin/sh\n${script}\n`);
  await chmod(path, 0o755);
  return path;
}

/** Null: it is not there yet. */
const readJson = async (path: string): Promise<unknown> => {
  const text = await readFile(path, "utf8").catch(() => null);
  return text === null ? null : (JSON.parse(text) as unknown);
};

/** A script that goes on when the file of the input HEADGATE_GO is there. */
export const WAIT = 'while [ ! -e "$HEADGATE_GO" ]; do sleep 0.05; done';
