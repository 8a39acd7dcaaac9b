import { setTimeout as sleep } from "node:timers/promises";
import { type Client, UnreachableError } from "../api/client.ts";
import { GetDistribution } from "../api/contract/distributions.ts";
import type { DistributionReply, ReleaseLine } from "../api/contract/releases.ts";
import { isRunning } from "../distributions/distribution.ts";
import { CommandFailure, EXIT } from "./failure.ts";
import { harmless, note } from "./output.ts";
import type { ProgressView } from "./progress.ts";

const POLL_MILLIS = 500;
/** A server that restarts goes on with its copies: a watcher should still be there then. */
const PATIENCE_MILLIS = 120_000;

/** Looks again and again until the copy of a release has ended. Throws CommandFailure when it did not succeed. */
export async function watchRelease(client: Client, release: ReleaseLine, view: ProgressView): Promise<void> {
  const params = { release: release.id, distribution: release.distribution.id };
  for (;;) {
    const distribution = await patiently(() => client.call(GetDistribution, { params }));
    view.show(distribution);
    if (!isRunning(distribution.status)) return judge(distribution);
    await sleep(POLL_MILLIS);
  }
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

async function patiently<T>(look: () => Promise<T>): Promise<T> {
  const givesUpAt = Date.now() + PATIENCE_MILLIS;
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await look();
    } catch (error) {
      if (!(error instanceof UnreachableError) || Date.now() > givesUpAt) throw error;
      if (attempt === 1) note(`No answer from the server (${harmless(error.message)}); still trying.`);
      await sleep(POLL_MILLIS);
    }
  }
}
