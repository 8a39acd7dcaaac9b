import { coloured, harmless, print } from "../../src/cli/output.ts";

/** Tells the demonstration as numbered steps. */
export interface Narrator {
  /** The step under way; null before the first. */
  readonly title: () => string | null;
  /** Begins a step: what happens now, and why it matters. */
  readonly step: (title: string, why: string) => void;
  readonly line: (text: string) => void;
  /** A name and what it is, in columns. */
  readonly fact: (name: string, text: string) => void;
  /** The step is done; says how long it took. */
  readonly done: (text: string) => void;
}

/** How far everything below a step's title stands in. */
export const INDENT = "   ";
const NAME_WIDTH = 26;
const TEXT_WIDTH = 76;

/** `steps` is how many there will be. */
export function createNarrator(steps: number): Narrator {
  let number = 0;
  let title: string | null = null;
  let begunAt = 0;
  const line = (text: string): void => print(`${INDENT}${text}`);
  return {
    title: () => title,
    step(next, why) {
      number += 1;
      title = next;
      begunAt = performance.now();
      print(`\n${coloured("cyan", `${number}/${steps}`)} ${coloured("bold", next)}`);
      for (const part of wrapped(why)) line(coloured("dim", part));
    },
    line,
    fact: (name, text) => line(`${name.padEnd(NAME_WIDTH)} ${harmless(text)}`),
    done: (text) => line(`${coloured("green", "✓")} ${text} ${coloured("dim", `(${seconds(begunAt)})`)}`),
  };
}

/** How long ago that was: `1.2 s`. */
export const seconds = (since: number): string => `${((performance.now() - since) / 1000).toFixed(1)} s`;

function wrapped(text: string): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > TEXT_WIDTH) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
