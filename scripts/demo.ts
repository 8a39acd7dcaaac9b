import { join } from "node:path";
import { coloured, note, print } from "../src/cli/output.ts";
import { createNarrator, INDENT, type Narrator, seconds } from "./demo/narrator.ts";
import { type DemoOptions, HELP, Misuse, readOptions } from "./demo/options.ts";
import { play, STEPS } from "./demo/play.ts";
import { openStage, type Stage } from "./demo/stage.ts";
import { printWhatNext } from "./demo/what-next.ts";

const EXIT = { done: 0, failed: 1, misuse: 2, interrupted: 130 } as const;
type ExitCode = (typeof EXIT)[keyof typeof EXIT];

const ROOT = join(import.meta.dirname, "..");

/** Reads the command line, plays, and says with which status to end. */
async function main(): Promise<ExitCode> {
  let options: DemoOptions;
  try {
    options = readOptions(process.argv.slice(2), process.env);
  } catch (error) {
    if (!(error instanceof Misuse)) throw error;
    note(`${error.message}\n(npm run demo -- --help shows every option)`);
    return EXIT.misuse;
  }
  if (options.help) {
    print(HELP);
    return EXIT.done;
  }
  const say = createNarrator(STEPS);
  let stage: Stage;
  try {
    stage = await openStage(ROOT);
  } catch (error) {
    return fail(say, null, error);
  }
  return perform(stage, options, say);
}

async function perform(stage: Stage, options: DemoOptions, say: Narrator): Promise<ExitCode> {
  const begunAt = performance.now();
  print(coloured("bold", "Headgate demo: a release that really moves"));
  const untilInterrupted = stage.interrupted.then(() => "interrupted" as const);
  try {
    const played = await Promise.race([play(ROOT, stage, options, say), stage.broken, untilInterrupted]);
    if (played === "interrupted") {
      print("\nStopping.");
      return EXIT.interrupted;
    }
    print(`\n${coloured("green", "Done.")} Everything held, in ${seconds(begunAt)}.`);
    if (options.exit) return EXIT.done;
    printWhatNext(played);
    await Promise.race([stage.broken, untilInterrupted]);
    print("\nStopping.");
    return EXIT.done;
  } catch (error) {
    return fail(say, stage, error);
  } finally {
    await stage.close();
    print(coloured("dim", "Headgate is stopped, and its temporary directory is gone."));
  }
}

function fail(say: Narrator, stage: Stage | null, error: unknown): ExitCode {
  const title = say.title();
  const where = title === null ? "" : ` in the step "${title}"`;
  note(
    `\n${coloured("red", "✗")} The demo failed${where}: ${error instanceof Error ? error.message : String(error)}`,
  );
  for (const server of stage?.servers ?? []) {
    const { state, lines } = server.lastWords();
    note(`\nThe ${server.name} server (${state}); its last lines:`);
    note(lines.map((line) => `${INDENT}${line}`).join("\n") || `${INDENT}none`);
  }
  return EXIT.failed;
}

// What was interrupted in the middle of a step ends with the process.
process.exit(await main());
