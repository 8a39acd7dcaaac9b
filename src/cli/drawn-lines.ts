import type { DistributionReply } from "../api/contract/releases.ts";
import { transferRate, type TransferRate } from "../kernel/transfer-rate.ts";
import { bytesText, coloured, padded, type Style, timeText, widthOf } from "./output.ts";
import {
  itemState,
  movedBytes,
  nameOf,
  paceText,
  percentOf,
  rateText,
  shortDigest,
} from "./progress-words.ts";

type Item = DistributionReply["items"][number];
type Blob = DistributionReply["blobs"][number];

/** How much room a terminal has. */
export interface Room {
  readonly columns: number;
  readonly rows: number;
}

const BAR_WIDTH = 24;

const STYLES = {
  not_needed: "dim",
  waiting: "dim",
  pinned: "cyan",
  copying: "cyan",
  verified: "green",
  failed: "red",
  cancelled: "yellow",
} as const satisfies Record<Item["status"], Style>;

/** Which images are shown where there is no room for all, in this order. */
const FIRST_SHOWN: readonly Item["status"][] = [
  "copying",
  "failed",
  "cancelled",
  "pinned",
  "waiting",
  "verified",
  "not_needed",
];

/** Draws a copy as lines again and again; it remembers how fast each layer moves. */
export function lineDrawer(): (distribution: DistributionReply, room: Room) => string[] {
  const rates = new Map<string, TransferRate>();
  return (distribution, room) => {
    noteRates(rates, distribution.blobs);
    const bar = barLine(distribution, room.columns);
    // The cursor stands on a line of its own below.
    const free = Math.max(room.rows - 2, 1);
    const shown = fitting(distribution.items, free);
    const left = distribution.items.length - shown.length;
    const more = left === 0 ? [] : [cut(`  … and ${left} more`, room.columns)];
    const names = Math.max(0, ...shown.map((item) => widthOf(nameOf(item))));
    const layers = layersOf(shown, distribution.blobs, free - shown.length - more.length);
    return [
      bar,
      ...shown.flatMap((item) => [
        itemLine(item, paceOf(item, distribution.blobs, rates), names, room.columns),
        ...(layers.get(item.id) ?? []).map((blob) => layerLine(blob, rates, room.columns)),
      ]),
      ...more,
    ];
  };
}

/** Only of layers in motion: bytes that are there already came at no speed. */
function noteRates(rates: Map<string, TransferRate>, blobs: readonly Blob[]): void {
  const moving = new Map(blobs.filter(({ state }) => state === "moving").map((blob) => [blob.digest, blob]));
  for (const digest of rates.keys()) if (!moving.has(digest)) rates.delete(digest);
  for (const [digest, blob] of moving) {
    const rate = rates.get(digest) ?? transferRate();
    rates.set(digest, rate);
    rate.note(blob.movedBytes);
  }
}

function barLine(distribution: DistributionReply, columns: number): string {
  const percent = percentOf(distribution);
  const full = Math.round((percent / 100) * BAR_WIDTH);
  const bar = coloured("green", "█".repeat(full)) + coloured("dim", "░".repeat(BAR_WIDTH - full));
  const words = [
    `${bytesText(movedBytes(distribution))} of ${bytesText(distribution.totalBytes)}`,
    ...paceText(distribution),
    `${distribution.verifiedItems} of ${distribution.totalItems} images`,
    distribution.status,
  ];
  return `${bar} ${String(percent).padStart(3)} %  ${cut(words.join(", "), columns - BAR_WIDTH - 8)}`;
}

function itemLine(item: Item, pace: readonly string[], nameWidth: number, columns: number): string {
  const isMoving = item.status === "copying" && item.totalBytes > 0;
  const bytes = isMoving ? [`${bytesText(item.movedBytes)} of ${bytesText(item.totalBytes)}`, ...pace] : [];
  const words = [itemState(item), ...bytes].join(", ");
  return `  ${padded(nameOf(item), nameWidth)}  ${coloured(STYLES[item.status], cut(words, columns - nameWidth - 5))}`;
}

function layerLine(
  { digest, sizeBytes, movedBytes: moved }: Blob,
  rates: RatesByDigest,
  columns: number,
): string {
  // What has passed as a whole is being stored: that has no speed.
  const rate = moved < sizeBytes ? (rates.get(digest)?.bytesPerSecond() ?? null) : null;
  const words = [`${bytesText(moved)} of ${bytesText(sizeBytes)}`, ...rateText(rate)].join(", ");
  return coloured("dim", cut(`    ${shortDigest(digest)}  ${words}`, columns));
}

type RatesByDigest = ReadonlyMap<string, TransferRate>;

/** How fast an image comes, by its layers in motion, and how long the rest of it takes. */
function paceOf(item: Item, blobs: readonly Blob[], rates: RatesByDigest): string[] {
  const own = new Set(item.blobs);
  const perSecond = blobs
    .filter(({ digest }) => own.has(digest))
    .reduce((sum, { digest }) => sum + (rates.get(digest)?.bytesPerSecond() ?? 0), 0);
  if (perSecond === 0) return [];
  return [`${bytesText(perSecond)}/s`, `${timeText((item.totalBytes - item.movedBytes) / perSecond)} left`];
}

/** As many images as there is room for, with one line left to say how many more there are; in their own order. */
function fitting(items: readonly Item[], lines: number): readonly Item[] {
  if (items.length <= lines) return items;
  const chosen = new Set(
    items
      .toSorted((one, other) => FIRST_SHOWN.indexOf(one.status) - FIRST_SHOWN.indexOf(other.status))
      .slice(0, Math.max(lines - 1, 0)),
  );
  return items.filter((item) => chosen.has(item));
}

/** The layers in motion, as many as there is room for, each below the first image that waits for it. */
function layersOf(shown: readonly Item[], blobs: readonly Blob[], room: number): ReadonlyMap<string, Blob[]> {
  const owners = blobs
    .filter(({ state }) => state === "moving")
    .map((blob) => ({
      blob,
      owner: shown.find(
        ({ status, blobs: digests }) => status === "copying" && digests.includes(blob.digest),
      ),
    }))
    .filter(({ owner }) => owner !== undefined)
    .slice(0, Math.max(room, 0));
  const layers = new Map<string, Blob[]>();
  for (const { blob, owner } of owners) {
    const id = owner?.id ?? "";
    layers.set(id, [...(layers.get(id) ?? []), blob]);
  }
  return layers;
}

const cut = (text: string, width: number): string =>
  widthOf(text) <= width ? text : `${text.slice(0, Math.max(width - 1, 0))}…`;
