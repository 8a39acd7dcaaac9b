import { ExternalSystemError } from "../../../kernel/errors.ts";
import type { RunRequest } from "../ci-provider.ts";
import type { GithubSession } from "./github-session.ts";
import { workflowPlace } from "./workflow-place.ts";

const CANCEL = "POST /repos/{owner}/{repo}/actions/runs/{run_id}/cancel";
const FORCE_CANCEL = "POST /repos/{owner}/{repo}/actions/runs/{run_id}/force-cancel";

/** How to cancel. */
export interface CancelOptions {
  readonly force: boolean;
  readonly signal: AbortSignal | undefined;
}

/** Asks GitHub to end a run. `over`: it had ended already. Safe to repeat. Throws ExternalSystemError. */
export async function cancelRun(
  github: GithubSession,
  run: string,
  request: RunRequest,
  { force, signal }: CancelOptions,
): Promise<"asked" | "over"> {
  const doing = `cancelling run ${run} of ${request.repository}`;
  const place = workflowPlace(request);
  if (typeof place === "string") throw github.fault(doing, place);
  const { owner, repo } = place;
  const route = force ? FORCE_CANCEL : CANCEL;
  const reply = await github.call(route, { owner, repo, run_id: run }, { signal });
  if (reply.status === 202) return "asked";
  if (reply.status !== 409) throw github.refusal(reply, doing);
  // A run that is started anew cannot be cancelled until it is queued; all others that cannot have ended.
  const words = github.words(reply);
  if (!/not yet/i.test(words)) return "over";
  const { message: text, system, status } = github.refusal(reply, doing);
  throw new ExternalSystemError(text, { system, status, retryable: true });
}
