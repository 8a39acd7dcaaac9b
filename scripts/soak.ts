import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The long form of every test that knows one: tens of kills, power cuts and the like instead of a few, one file after
 * the other. Prints how often each was done and how often it went well. `npm run soak [-- <part of a path>]`
 */
const LONG_FORM = 'process.env["HEADGATE_SOAK"]';
/** Some do all their rounds in one test. */
const TEST_MILLIS = 3_600_000;

interface Results {
  readonly testResults: readonly {
    readonly name: string;
    readonly assertionResults: readonly {
      readonly ancestorTitles: readonly string[];
      readonly title: string;
      readonly status: string;
    }[];
  }[];
}

function filesWithLongForm(part: string): readonly string[] {
  return ["src", "test"]
    .flatMap((folder) =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).map((path) => join(folder, path)),
    )
    .filter((path) => path.endsWith(".test.ts") && path.includes(part))
    .filter((path) => readFileSync(path, "utf8").includes(LONG_FORM));
}

/** Runs them; the results, or null when vitest did not come so far. */
function run(files: readonly string[]): Results | null {
  const folder = mkdtempSync(join(tmpdir(), "headgate-soak-"));
  const output = join(folder, "results.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${output}`];
  spawnSync(
    "vitest",
    ["run", "--no-file-parallelism", `--testTimeout=${TEST_MILLIS}`, ...reporters, ...files],
    { stdio: "inherit", env: { ...process.env, HEADGATE_SOAK: "1" } },
  );
  try {
    return JSON.parse(readFileSync(output, "utf8")) as Results;
  } catch {
    return null;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Rounds of one test are one line; what was skipped counts as not gone well. */
function printCounts({ testResults }: Results): void {
  for (const { name, assertionResults } of testResults) {
    console.log(`\n${name.slice(process.cwd().length + 1)}`);
    const rounds = Map.groupBy(assertionResults, ({ ancestorTitles, title }) =>
      [...ancestorTitles, title.replace(/ \(round \d+\)$/, "")].join(" › "),
    );
    for (const [title, results] of rounds) {
      const good = results.filter(({ status }) => status === "passed").length;
      console.log(`  ${`${good} of ${results.length}`.padStart(9)}  ${title}`);
    }
  }
}

const files = filesWithLongForm(process.argv[2] ?? "");
if (files.length === 0) throw new Error(`no test with a long form has ${process.argv[2]} in its path`);
const results = run(files);
if (results) printCounts(results);
const statuses = results?.testResults.flatMap((file) => file.assertionResults.map(({ status }) => status));
process.exitCode = statuses?.every((status) => status === "passed") ? 0 : 1;
