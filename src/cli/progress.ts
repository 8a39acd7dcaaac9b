import type { DistributionReply } from "../api/contract/releases.ts";
import { lineDrawer, type Room } from "./drawn-lines.ts";
import { bytesText, print } from "./output.ts";
import { itemState, nameOf, paceText, percentOf } from "./progress-words.ts";

/** Shows how a copy goes on. */
export interface ProgressView {
  readonly show: (distribution: DistributionReply) => void;
}

const PLAIN_STEP_PERCENT = 10;

/**
 * A bar for all bytes, a line for each image and for each layer in motion, drawn over itself; in a pipe one line for each
 * thing that happens.
 */
export const progressView = (): ProgressView =>
  process.stdout.isTTY && process.env["TERM"] !== "dumb"
    ? drawnView(
        (text) => process.stdout.write(text),
        () => ({ columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 }),
      )
    : plainView(print);

/**
 * Draws over what it drew the last time. No line is longer than the terminal is wide, or it would take two; nor are there
 * more than it is high, or the first ones could not be drawn over.
 */
export function drawnView(write: (text: string) => void, room: () => Room): ProgressView {
  const linesOf = lineDrawer();
  let drawn = 0;
  return {
    show(distribution) {
      const lines = linesOf(distribution, room());
      const back = drawn === 0 ? "" : `\u001b[${drawn}A\u001b[0J`;
      write(`${back}${lines.join("\n")}\n`);
      drawn = lines.length;
    },
  };
}

/** Says only what is new since the last time. */
export function plainView(say: (line: string) => void): ProgressView {
  const states = new Map<string, string>();
  let saidPercent = 0;
  let saidStatus = "";
  return {
    show(distribution) {
      if (distribution.status !== saidStatus) {
        saidStatus = distribution.status;
        say(`${saidStatus}: ${distribution.verifiedItems} of ${distribution.totalItems} images`);
      }
      for (const item of distribution.items) {
        const state = itemState(item);
        if (states.get(item.id) !== state && item.status !== "waiting") say(`${nameOf(item)}: ${state}`);
        states.set(item.id, state);
      }
      const percent = percentOf(distribution);
      if (percent < saidPercent + PLAIN_STEP_PERCENT && !(percent === 100 && saidPercent < 100)) return;
      saidPercent = percent;
      say([`${percent} % of ${bytesText(distribution.totalBytes)}`, ...paceText(distribution)].join(", "));
    },
  };
}
