import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";

/**
 * Everything that can be said of the code without running it. Each check prints what it found; the first failure
 * does not hide the others. `npm run check`
 */
interface Check {
  readonly name: string;
  readonly command: readonly [string, ...string[]];
  /** Looks at what a successful command printed; a text is a reason to fail after all. */
  readonly judge?: (output: string) => string | null;
}

const moduleFiles = readdirSync("src", { recursive: true, encoding: "utf8" }).filter((path) =>
  path.endsWith(".ts"),
);

/** A cruiser that cannot read the sources sees no modules and reports no violations. */
function sawEveryModule(output: string): string | null {
  const cruised = Number(/\((\d+) modules, \d+ dependencies cruised\)/.exec(output)?.[1] ?? 0);
  return cruised >= moduleFiles.length
    ? null
    : `the boundary check saw ${cruised} modules, but src/ holds ${moduleFiles.length}`;
}

const CHECKS: readonly Check[] = [
  { name: "format", command: ["oxfmt", "--check"] },
  { name: "lint", command: ["oxlint", "--max-warnings=0"] },
  { name: "types", command: ["tsc"] },
  {
    name: "boundaries",
    command: ["depcruise", "src", "--config", "dependency-rules.cjs"],
    judge: sawEveryModule,
  },
  { name: "dead code", command: ["knip"] },
];

function run({ name, command: [program, ...args], judge }: Check): boolean {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8" });
  const output = `${stdout ?? ""}${stderr ?? ""}`;
  const complaint = error ? error.message : status === 0 ? (judge?.(output) ?? null) : output;
  console.log(complaint === null ? `ok    ${name}` : `FAIL  ${name}\n${complaint}`);
  return complaint === null;
}

const results = CHECKS.map(run);
process.exitCode = results.every(Boolean) ? 0 : 1;
