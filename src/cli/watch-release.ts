import { setTimeout as sleep } from "node:timers/promises";
import type { Client } from "../api/client.ts";
import { GetDistribution } from "../api/contract/distributions.ts";
import { FollowProject } from "../api/contract/live.ts";
import type { DistributionReply, ReleaseLine } from "../api/contract/releases.ts";
import { isRunning } from "../distributions/distribution.ts";
import { applyChanges, DistributionProgress } from "../distributions/distribution-progress.ts";
import { CommandFailure, EXIT } from "./failure.ts";
import { harmless } from "./output.ts";
import { patiently, POLL_MILLIS } from "./patiently.ts";
import type { ProgressView } from "./progress.ts";

/** A live stream tells at once how far a copy is; one that does not is held back on its way. */
const FIRST_WORD_MILLIS = 5_000;
/** After so long without news it is looked whether the stream is still alive. */
const SILENCE_MILLIS = 20_000;

/**
 * Watches the copy of a release until it has ended: over the server's live stream, or by asking again and again where
 * that cannot be had. Throws CommandFailure when the copy did not succeed.
 */
export async function watchRelease(client: Client, release: ReleaseLine, view: ProgressView): Promise<void> {
  const params = { release: release.id, distribution: release.distribution.id };
  let hasStream = true;
  for (;;) {
    const distribution = await patiently(() => client.call(GetDistribution, { params }));
    view.show(distribution);
    if (!isRunning(distribution.status)) return judge(distribution);
    if (hasStream) hasStream = await showStream(client, distribution, view);
    else await sleep(POLL_MILLIS);
  }
}

/**
 * Shows what the live stream tells, until it is over: the copy has ended, the connection broke, or it fell silent.
 * False when it told nothing.
 */
async function showStream(
  client: Client,
  distribution: DistributionReply,
  view: ProgressView,
): Promise<boolean> {
  const leaving = new AbortController();
  const leave = (): void => leaving.abort();
  let known: DistributionProgress | null = null;
  let silence = setTimeout(leave, FIRST_WORD_MILLIS);
  try {
    const { project, releaseId } = distribution;
    const asked = { params: { project }, query: { release: releaseId } };
    for await (const { event, data } of client.events(FollowProject, asked, leaving.signal)) {
      if (event !== "progress") continue;
      clearTimeout(silence);
      silence = setTimeout(leave, SILENCE_MILLIS);
      known = applyChanges(known, DistributionProgress.parse(JSON.parse(data)));
      view.show(withProgress(distribution, known));
      if (!isRunning(known.status)) return true;
    }
  } catch {
    // Whatever it is, the next look says it, or goes on without the stream.
  } finally {
    clearTimeout(silence);
    leave();
  }
  await sleep(POLL_MILLIS);
  return known !== null;
}

function withProgress(distribution: DistributionReply, progress: DistributionProgress): DistributionReply {
  const items = new Map(progress.items.map((item) => [item.id, item]));
  return {
    ...distribution,
    ...progress,
    items: distribution.items.map((item) => {
      const { blobs = item.blobs, ...rest } = items.get(item.id) ?? item;
      return { ...item, ...rest, blobs };
    }),
  };
}

function judge({ project, version, status, error }: DistributionReply): void {
  if (status === "success") return;
  const reason = error === "" ? "" : `: ${harmless(error)}`;
  const advice =
    status === "failed"
      ? `\nTry again with: headgate release retry --project ${project} --version "${version}"`
      : "";
  throw new CommandFailure(EXIT.failed, `release ${version} of ${project} ${status}${reason}${advice}`);
}
