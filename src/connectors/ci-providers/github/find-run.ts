import * as z from "zod";
import type { FoundRun, RunRequest } from "../ci-provider.ts";
import { defaultBranch } from "./default-branch.ts";
import { githubPages } from "./github-pages.ts";
import { GithubRun, isOurs, listedFrom, showsId, showsOtherId } from "./github-run.ts";
import type { GithubSession } from "./github-session.ts";
import { type WorkflowPlace, workflowPlace } from "./workflow-place.ts";

const RUNS = "GET /repos/{owner}/{repo}/actions/workflows/{workflow_id}/runs";
const RunsPage = z.object({ workflow_runs: z.array(GithubRun) });

/** The runs that a dispatch of this request can have led to, by all that the list shows. */
async function candidates(
  github: GithubSession,
  place: WorkflowPlace,
  request: RunRequest,
  signal: AbortSignal | undefined,
): Promise<GithubRun[]> {
  const doing = `listing the runs of ${request.workflow} in ${request.repository}`;
  const created = `>=${listedFrom(request).toISOString().replace(".000Z", "Z")}`;
  const query = { ...place, event: "workflow_dispatch", created };
  const found = new Map<string, GithubRun>();
  for await (const data of githubPages(github, doing, RUNS, query, { signal })) {
    const page = RunsPage.safeParse(data);
    if (!page.success) throw github.fault(doing, "the answer is no list of runs");
    for (const run of page.data.workflow_runs) if (isOurs(run, place, request)) found.set(run.id, run);
  }
  return [...found.values()];
}

/** The branch or tag as runs show it. */
async function branchOf(
  github: GithubSession,
  place: WorkflowPlace,
  request: RunRequest,
  signal: AbortSignal | undefined,
): Promise<string> {
  if (request.ref !== null) return request.ref.replace(/^refs\/(heads|tags)\//, "");
  const branch = await defaultBranch(github, place, signal);
  if (typeof branch === "string") return branch;
  throw github.refusal(branch, `reading ${request.repository}`);
}

function oneOf(runs: readonly GithubRun[]): FoundRun {
  const [run, ...others] = runs;
  if (!run) return { kind: "none" };
  return others.length > 0 ? { kind: "several" } : { kind: "run", run: run.id, url: run.html_url };
}

/**
 * Looks for the run of a request whose start was not answered: by our id or label where the workflow shows it, else the only one
 * on the branch that nobody claims. Throws ExternalSystemError.
 */
export async function findRun(
  github: GithubSession,
  request: RunRequest,
  claimed: ReadonlySet<string>,
  signal: AbortSignal | undefined,
): Promise<FoundRun> {
  const place = workflowPlace(request);
  if (typeof place === "string") return { kind: "none" };
  const runs = (await candidates(github, place, request, signal)).filter(({ id }) => !claimed.has(id));
  const shown = runs.filter((run) => showsId(run, request));
  if (shown.length > 0 || runs.length === 0) return oneOf(shown);
  const branch = await branchOf(github, place, request, signal);
  return oneOf(runs.filter((run) => run.head_branch === branch && !showsOtherId(run, request)));
}
