import type { DistributionReply } from "../api/contract/releases.ts";
import { bytesText, harmless, timeText } from "./output.ts";

type Item = DistributionReply["items"][number];

const SHORT_DIGEST = "sha256:".length + 12;

export const shortDigest = (digest: string): string => digest.slice(0, SHORT_DIGEST);

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
  const digest = item.pinnedDigest === null ? "" : ` ${shortDigest(item.pinnedDigest)}`;
  return `${status}${digest}${reason === "" ? "" : `: ${harmless(reason)}`}`;
}

/** What has crossed the wire so far, verified or still on its way. */
export const movedBytes = ({ verifiedBytes, movingBytes, totalBytes }: DistributionReply): number =>
  Math.min(verifiedBytes + movingBytes, totalBytes);

export function percentOf(distribution: DistributionReply): number {
  if (distribution.totalBytes === 0) return distribution.status === "success" ? 100 : 0;
  return Math.floor((movedBytes(distribution) / distribution.totalBytes) * 100);
}

/** How fast it goes; nothing where there is no telling. */
export function rateText(bytesPerSecond: number | null): string[] {
  if (bytesPerSecond === null) return [];
  return [bytesPerSecond === 0 ? "stalled" : `${bytesText(bytesPerSecond)}/s`];
}

/** The same with how long the rest takes. */
export const paceText = ({ bytesPerSecond, secondsLeft }: DistributionReply): string[] => [
  ...rateText(bytesPerSecond),
  ...(secondsLeft === null || secondsLeft === 0 ? [] : [`${timeText(secondsLeft)} left`]),
];
