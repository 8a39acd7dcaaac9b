import { setTimeout as sleep } from "node:timers/promises";
import { GetDistribution } from "../../src/api/contract/distributions.ts";
import type { DistributionReply, ReleaseReply } from "../../src/api/contract/releases.ts";
import { bytesText, coloured, print } from "../../src/cli/output.ts";
import { plainView, type ProgressView } from "../../src/cli/progress.ts";
import { itemState, movedBytes, nameOf } from "../../src/cli/progress-words.ts";
import { isRunning } from "../../src/distributions/distribution.ts";
import type { DemoServer } from "./demo-server.ts";
import { INDENT } from "./narrator.ts";

const POLL_MILLIS = 80;
const BAR_WIDTH = 30;

/** Shows the copy of a release until it has ended. Throws when it did not succeed. */
export async function watchCopy(server: DemoServer, release: ReleaseReply): Promise<DistributionReply> {
  const params = { release: release.id, distribution: release.distribution.id };
  const view = openView();
  for (;;) {
    const reply = await server.client.call(GetDistribution, { params });
    view.show(reply);
    if (reply.status === "success") return reply;
    if (!isRunning(reply.status))
      throw new Error(`the copy of ${reply.version} ${reply.status}: ${whyOf(reply)}`);
    await sleep(POLL_MILLIS);
  }
}

const whyOf = ({ error, items }: DistributionReply): string =>
  [error, ...items.filter((item) => item.error !== "").map((item) => `${nameOf(item)}: ${item.error}`)]
    .filter((text) => text !== "")
    .join("; ");

/** How long the server worked on it: `1.24 s`. */
export function copyTime({ createdAt, endedAt }: DistributionReply): string {
  const millis = (endedAt ?? new Date()).getTime() - createdAt.getTime();
  return `${(millis / 1000).toFixed(2)} s`;
}

const openView = (): ProgressView =>
  process.stdout.isTTY && process.env["TERM"] !== "dumb"
    ? drawnView()
    : plainView((line) => print(`${INDENT}${line}`));

/** A bar for all bytes and a line for each image, drawn over itself. */
function drawnView(): ProgressView {
  let drawn = 0;
  return {
    show(distribution) {
      const lines = [barLine(distribution), ...distribution.items.map(itemLine)];
      const back = drawn === 0 ? "" : `\u001b[${drawn}A\u001b[0J`;
      process.stdout.write(back + lines.map((line) => `${INDENT}${line}\n`).join(""));
      drawn = lines.length;
    },
  };
}

function barLine(distribution: DistributionReply): string {
  const { totalBytes } = distribution;
  const arrivedBytes = movedBytes(distribution);
  const part = totalBytes === 0 ? 0 : arrivedBytes / totalBytes;
  const full = Math.round(part * BAR_WIDTH);
  const bar = coloured("green", "█".repeat(full)) + coloured("dim", "░".repeat(BAR_WIDTH - full));
  const percent = `${Math.floor(part * 100)} %`.padStart(5);
  const bytes =
    totalBytes === 0 ? "pinning" : `${bytesText(arrivedBytes)} of ${bytesText(totalBytes)} verified`;
  return `${bar} ${percent}  ${bytes}`;
}

const itemLine = (item: DistributionReply["items"][number]): string =>
  `${item.serviceName.padEnd(8)} ${item.status === "verified" ? coloured("green", itemState(item)) : itemState(item)}`;
