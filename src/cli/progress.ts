import type { DistributionReply } from "../api/contract/releases.ts";
import { bytesText, coloured, harmless, padded, print, type Style, widthOf } from "./output.ts";

type Item = DistributionReply["items"][number];

/** Shows how a copy goes on. */
export interface ProgressView {
  readonly show: (distribution: DistributionReply) => void;
}

const BAR_WIDTH = 24;
const PLAIN_STEP_PERCENT = 10;
const SHORT_DIGEST = "sha256:".length + 12;

const STYLES = {
  not_needed: "dim",
  waiting: "dim",
  pinned: "cyan",
  copying: "cyan",
  verified: "green",
  failed: "red",
  cancelled: "yellow",
} as const satisfies Record<Item["status"], Style>;

export const nameOf = (item: Pick<Item, "serviceName" | "containerName">): string =>
  `${item.serviceName}/${item.containerName}`;

/** The status of an image in words, with its digest or with why it has none. */
export function itemState(item: Item): string {
  const status =
    item.status === "not_needed"
      ? item.pinnedDigest === null
        ? "not pinned"
        : "pinned, not copied"
      : item.status;
  const reason = item.error || item.pinProblem || "";
  const digest = item.pinnedDigest === null ? "" : ` ${item.pinnedDigest.slice(0, SHORT_DIGEST)}`;
  return `${status}${digest}${reason === "" ? "" : `: ${harmless(reason)}`}`;
}

/** What has crossed the wire so far, verified or still on its way. */
export const movedBytes = ({ verifiedBytes, movingBytes, totalBytes }: DistributionReply): number =>
  Math.min(verifiedBytes + movingBytes, totalBytes);

const percentOf = (distribution: DistributionReply): number => {
  if (distribution.totalBytes === 0) return distribution.status === "success" ? 100 : 0;
  return Math.floor((movedBytes(distribution) / distribution.totalBytes) * 100);
};

/** A bar for all bytes and a line for each image, drawn over itself; in a pipe one line for each thing that happens. */
export const progressView = (): ProgressView =>
  process.stdout.isTTY && process.env["TERM"] !== "dumb"
    ? drawnView((text) => process.stdout.write(text), process.stdout.columns || 80)
    : plainView(print);

/** Draws over what it drew the last time. No line is longer than the terminal is wide, or it would take two. */
export function drawnView(write: (text: string) => void, columns: number): ProgressView {
  let drawn = 0;
  return {
    show(distribution) {
      const lines = linesOf(distribution, columns);
      const back = drawn === 0 ? "" : `\u001b[${drawn}A\u001b[0J`;
      write(`${back}${lines.join("\n")}\n`);
      drawn = lines.length;
    },
  };
}

function linesOf(distribution: DistributionReply, columns: number): string[] {
  const percent = percentOf(distribution);
  const full = Math.round((percent / 100) * BAR_WIDTH);
  const bar = coloured("green", "█".repeat(full)) + coloured("dim", "░".repeat(BAR_WIDTH - full));
  const bytes = `${bytesText(movedBytes(distribution))} of ${bytesText(distribution.totalBytes)}`;
  const images = `${distribution.verifiedItems} of ${distribution.totalItems} images`;
  const names = Math.max(0, ...distribution.items.map((item) => widthOf(nameOf(item))));
  return [
    `${bar} ${String(percent).padStart(3)} %  ${cut(`${bytes}, ${images}, ${distribution.status}`, columns - BAR_WIDTH - 8)}`,
    ...distribution.items.map(
      (item) =>
        `  ${padded(nameOf(item), names)}  ${coloured(STYLES[item.status], cut(itemState(item), columns - names - 5))}`,
    ),
  ];
}

const cut = (text: string, width: number): string =>
  widthOf(text) <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;

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
      say(`${percent} % of ${bytesText(distribution.totalBytes)}`);
    },
  };
}
