import { styleText } from "node:util";

/** Text that a person reads, to standard output. */
export const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** What is about the command and not its result, to standard error: scripts read only the result. */
export const note = (text: string): void => {
  process.stderr.write(`${text}\n`);
};

/** The result as JSON, moments in ISO 8601. */
export const printJson = (value: unknown): void => print(JSON.stringify(value ?? null, null, 2));

export type Style = Parameters<typeof styleText>[0];

/** Colours on a terminal that wants them; `NO_COLOR` and a pipe turn them off. */
export const coloured = (style: Style, text: string): string =>
  styleText(style, text, { stream: process.stdout, validateStream: true });

const WIDE = /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]/g;

/** How wide a text stands on a terminal: East Asian characters take two places. */
export const widthOf = (text: string): number => text.replaceAll(WIDE, "xx").length;

/** Control characters, line ends, and what turns the direction of writing. */
const HARMFUL = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** What another system or person wrote cannot move the cursor, change colours or show itself as something else. */
export const harmless = (text: string): string => text.replace(HARMFUL, " ");

/** The same for a text of several lines, which it keeps. */
export const harmlessLines = (text: string): string => text.split("\n").map(harmless).join("\n");

/** Columns with headings; the last one is not filled up. */
export function printTable(headings: readonly string[], rows: readonly (readonly string[])[]): void {
  const lines = [headings, ...rows].map((line) => line.map(harmless));
  const widths = headings.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? ""))));
  for (const [index, line] of lines.entries()) {
    const text = line
      .map((cell, column) => padded(cell, widths[column] ?? 0))
      .join("  ")
      .trimEnd();
    print(index === 0 ? coloured("bold", text) : text);
  }
}

export const padded = (text: string, width: number): string =>
  text + " ".repeat(Math.max(width - widthOf(text), 0));

/** Lines of `name  value`; what is empty is left out. */
export function printFields(fields: readonly (readonly [string, string])[]): void {
  const width = Math.max(...fields.map(([name]) => name.length));
  for (const [name, value] of fields)
    if (value !== "") print(`${coloured("dim", name.padEnd(width))}  ${harmless(value)}`);
}

/** A moment in the reader's own time zone, to the minute: `2026-03-01 14:05`. */
export function shortTime(moment: Date): string {
  const two = (value: number): string => String(value).padStart(2, "0");
  const day = `${moment.getFullYear()}-${two(moment.getMonth() + 1)}-${two(moment.getDate())}`;
  return `${day} ${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

/** A number of bytes as people write it: `12.3 MiB`. */
export function bytesText(count: number): string {
  const power = Math.min(Math.floor(Math.log2(Math.max(count, 1)) / 10), UNITS.length - 1);
  const value = count / 1024 ** power;
  return `${power === 0 ? value : value.toFixed(1)} ${UNITS[power]}`;
}

/** A span of time to a sensible precision: `35 s`, `2 min 5 s`, `1 h 12 min`. */
export function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 60) return `${whole} s`;
  const minutes = Math.floor(whole / 60);
  return minutes < 60
    ? `${minutes} min ${whole % 60} s`
    : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
