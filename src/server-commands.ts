import type { Command } from "commander";
import type { Program, RunningServer } from "./compose.ts";
import { readConfig, SETTINGS } from "./config.ts";
import { messageOf } from "./kernel/errors.ts";
import { giveBackMemory } from "./kernel/give-back-memory.ts";

const EXIT_FAILED = 1;
/** By then nothing is left to be made for the first time. */
const SETTLED_MILLIS = 2_000;

/** Adds the commands that run the program itself: serve, worker, migrate. */
export function addServerCommands(program: Command): void {
  program
    .command("serve")
    .description("run the server: all APIs, the registry inside and, in the same process, the durable tasks")
    .option("--without-tasks", "leave the tasks to workers")
    .addHelpText("after", settingsHelp())
    .action((options: { withoutTasks?: boolean }) =>
      run(async () => {
        const { startServer } = await import("./compose.ts");
        return startServer(readConfig(process.env), { withTasks: options.withoutTasks !== true });
      }, announce),
    );
  program
    .command("worker")
    .description("carry out durable tasks, without any API; for PostgreSQL with several replicas")
    .addHelpText("after", settingsHelp())
    .action(() =>
      run(async () => {
        const { startWorker } = await import("./compose.ts");
        return startWorker(readConfig(process.env));
      }),
    );
  program
    .command("migrate")
    .description("bring the database up to date and end")
    .action(() =>
      run(async () => {
        const { migrateOnly } = await import("./compose.ts");
        await migrateOnly(readConfig(process.env));
        return null;
      }),
    );
}

/** Starts, and stops on the signals that ask for it. An unusable setting ends with one clear line. */
async function run<Started extends Program | null>(
  start: () => Promise<Started>,
  announceStart?: (started: Started) => void,
): Promise<void> {
  try {
    const started = await start();
    // Whoever is told that it runs may ask it to stop at once.
    if (started) stopOnSignals(started);
    announceStart?.(started);
    // A courtesy: a Node that cannot do it serves as well.
    if (started) setTimeout(() => void giveBackMemory().catch(() => undefined), SETTLED_MILLIS).unref();
  } catch (error) {
    process.stderr.write(`headgate: ${messageOf(error)}\n`);
    process.exitCode = EXIT_FAILED;
  }
}

/** Tasks get 10 s to end; more than this only an outside that has fallen silent can take. */
const LONGEST_STOP_MILLIS = 20_000;

function stopOnSignals(program: Program): void {
  let stopping = false;
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    setTimeout(() => {
      process.stderr.write("headgate: stopping takes too long; what is left is taken up at the next start\n");
      process.exit(EXIT_FAILED);
    }, LONGEST_STOP_MILLIS).unref();
    program.stop().then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`headgate: stopping failed: ${messageOf(error)}\n`);
        process.exit(EXIT_FAILED);
      },
    );
  };
  process.on("SIGTERM", stop);
  process.on("SIGINT", stop);
}

function announce({ url, signUpUrl }: RunningServer): void {
  process.stderr.write(`Headgate is ready at ${url}\n`);
  if (signUpUrl !== null)
    process.stderr.write(`No admin yet. Become the first one, within 24 hours: ${signUpUrl}\n`);
}

function settingsHelp(): string {
  const lines = Object.values(SETTINGS).map(
    ({ variable, standard, meaning }) =>
      `  ${variable.padEnd(22)} ${meaning}${standard === "" ? "" : ` (${standard})`}`,
  );
  return `\nSettings, from the environment:\n${lines.join("\n")}`;
}
