import type { RunReading, RunRequest } from "../ci-provider.ts";
import { jobsOf } from "./failed-jobs.ts";
import { GithubRun, isOurs, showsId } from "./github-run.ts";
import type { GithubSession } from "./github-session.ts";
import { stateOfRun } from "./run-state.ts";
import { type WorkflowPlace, workflowPlace } from "./workflow-place.ts";

const RUN = "GET /repos/{owner}/{repo}/actions/runs/{run_id}";

/** The run as GitHub tells it, or as it told it before when it says that nothing has changed. */
async function fetchRun(
  github: GithubSession,
  { owner, repo }: WorkflowPlace,
  run: string,
  signal: AbortSignal | undefined,
): Promise<GithubRun | null> {
  const key = `${github.api}/repos/${owner}/${repo}/actions/runs/${run}`;
  const known = github.memory.runs.get(key);
  const headers = known ? { "if-none-match": known.etag } : {};
  const reply = await github.call(RUN, { owner, repo, run_id: run }, { headers, signal });
  const doing = `reading run ${run} of ${owner}/${repo}`;
  if (known && reply.status === 304) return known.run;
  if (reply.status === 404) return null;
  if (reply.status !== 200) throw github.refusal(reply, doing);
  const read = GithubRun.safeParse(reply.data);
  if (!read.success || read.data.id !== run) throw github.fault(doing, "the answer is not that run");
  const etag = reply.header("etag");
  if (etag !== null) github.memory.runs.set(key, { etag, run: read.data });
  return read.data;
}

/** What a person should know of a run besides its state. */
async function textOf(
  github: GithubSession,
  place: WorkflowPlace,
  run: GithubRun,
  signal: AbortSignal | undefined,
): Promise<string> {
  const { state, text } = stateOfRun(run);
  if (state !== "failure" && state !== "canceled") return text;
  const jobs = await jobsOf(github, place, run.id, signal);
  // GitHub keeps one running and one waiting run for each concurrency group; the one that waited goes without jobs.
  if (state === "canceled" && jobs?.count === 0)
    return "was cancelled before any job began: a newer run of its concurrency group took its place";
  return jobs && jobs.failed !== "" ? `${text}: ${jobs.failed}` : text;
}

/** How a run is. Null: there is no such run in the request's repository. Throws ExternalSystemError. */
export async function readRun(
  github: GithubSession,
  id: string,
  request: RunRequest,
  signal: AbortSignal | undefined,
): Promise<RunReading | null> {
  const place = workflowPlace(request);
  if (typeof place === "string" || !/^[1-9]\d*$/.test(id)) return null;
  const run = await fetchRun(github, place, id, signal);
  if (!run) return null;
  const { state } = stateOfRun(run);
  return {
    state,
    attempt: run.run_attempt,
    url: run.html_url,
    text: await textOf(github, place, run, signal),
    isOurs: isOurs(run, place, request),
    showsId: showsId(run, request),
    startedAt: state === "queued" ? null : (run.run_started_at ?? run.created_at),
    endedAt: state === "queued" || state === "running" ? null : run.updated_at,
  };
}
