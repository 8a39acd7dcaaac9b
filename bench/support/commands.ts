import { spawn } from "node:child_process";

/** What a piece of work cost. */
export interface Usage {
  readonly wallSeconds: number;
  /** User and system time of all processes that did the work. */
  readonly cpuSeconds: number;
}

/** A text as one word of bash. */
export const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

/** A command line of bash from its words. */
export const commandLine = (...words: readonly string[]): string => words.map(quoted).join(" ");

/** A script that starts all these command lines at once, waits for all, and fails when one of them does. */
export const together = (lines: readonly string[]): string =>
  [
    "started=()",
    ...lines.map((line) => `${line} & started+=($!)`),
    'for one in "${started[@]}"; do wait "$one"; done',
  ].join("\n");

/**
 * Runs a bash script and says what all its commands cost together, their children included; bash's own start is
 * not in it. Throws with what was printed when a command fails.
 */
export async function measureScript(
  script: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<Usage> {
  // Descriptor 3 carries the measurement: the clock before, the clock after, and the times of the children.
  const whole = `set -eo pipefail; echo "$EPOCHREALTIME" >&3\n${script}\necho "$EPOCHREALTIME" >&3; times >&3`;
  const child = spawn("bash", ["-c", whole], {
    env: { PATH: process.env["PATH"], LC_ALL: "C", ...environment },
    stdio: ["ignore", "pipe", "pipe", "pipe"],
  });
  const [printed, complained, measured] = [1, 2, 3].map((descriptor) => collect(child.stdio[descriptor]));
  const status = await new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  if (status !== 0)
    throw new Error(`a peer's command failed (${String(status)}):\n${printed?.()}${complained?.()}`);
  return readUsage(measured?.() ?? "");
}

function collect(stream: unknown): () => string {
  const parts: string[] = [];
  (stream as NodeJS.ReadableStream).on("data", (part: Buffer) => parts.push(part.toString()));
  return () => parts.join("");
}

/** Two clocks, then two lines of `times`: the shell's own, and its children's as `0m1.234s 0m0.567s`. */
function readUsage(text: string): Usage {
  const [begun = "", ended = "", , children = ""] = text.split("\n");
  const [user = Number.NaN, system = Number.NaN] = [...children.matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  return { wallSeconds: Number(ended) - Number(begun), cpuSeconds: user + system };
}
