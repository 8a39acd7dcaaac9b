import { type Answer, NOT_FOUND, refusal } from "./answers.ts";
import { dispatchAnswer } from "./dispatch.ts";
import { type GithubRequest, workflowOf } from "./github-request.ts";
import { isWithin, listAnswer } from "./lists.ts";
import { jobPayload, repositoryPayload, runPayload, workflowPayload } from "./payloads.ts";
import { endRun } from "./run-life.ts";
import type { Run, World } from "./world.ts";

type Handle = (world: World, request: GithubRequest) => Answer | Promise<Answer>;

export const RATE_LIMIT = "GET /rate_limit";
const REPOSITORY = "/repos/{owner}/{repo}";
const RUN = `${REPOSITORY}/actions/runs/{run_id}`;
const WORKFLOW = `${REPOSITORY}/actions/workflows/{workflow_id}`;

const runOf = (world: World, { repository, parts }: GithubRequest): Run | undefined =>
  world.runs.find((run) => run.repository === repository && String(run.id) === parts["run_id"]);

const ofRun =
  (handle: (world: World, run: Run, request: GithubRequest) => Answer): Handle =>
  (world, request) => {
    const run = runOf(world, request);
    return run ? handle(world, run, request) : NOT_FOUND;
  };

/** Newest first, and not those that lists do not show yet. */
function listRuns(world: World, request: GithubRequest): Answer {
  const workflow = workflowOf(request);
  if (!workflow) return NOT_FOUND;
  const query = request.url.searchParams;
  const filters: Readonly<Record<string, (run: Run, value: string) => boolean>> = {
    event: (run, value) => run.event === value,
    branch: (run, value) => run.branch === value,
    status: (run, value) => run.status === value || run.conclusion === value,
    created: (run, value) => isWithin(run.createdAt, value),
  };
  const visible = world.now().getTime() - world.appearanceMillis;
  const runs = world.runs.filter(
    (run) =>
      run.workflow === workflow &&
      run.createdAt.getTime() <= visible &&
      [...query].every(([name, value]) => filters[name]?.(run, value) ?? true),
  );
  const newest = runs.toReversed().map((run) => runPayload(world, run));
  return listAnswer(request.url, "workflow_runs", newest);
}

const cancel = (force: boolean): Handle =>
  ofRun((world, run) => {
    if (run.status === "completed") return refusal(409, "Cannot cancel a workflow run that is completed.");
    if (run.status === "requested" && run.attempt > 1)
      return refusal(409, "Cannot cancel a workflow re-run that has not yet queued.");
    if (force || !run.stubborn)
      endRun(
        world,
        run,
        "cancelled",
        run.jobs.map(({ name }) => ({ name, conclusion: "cancelled" })),
      );
    return { status: 202, body: {} };
  });

/** All that this GitHub answers, as its description writes the routes. */
const ROUTES: Readonly<Record<string, Handle>> = {
  // Of no repository, and answered before one is looked for.
  [RATE_LIMIT]: () => NOT_FOUND,
  [`GET ${REPOSITORY}`]: (world, { repository }) => ({
    status: 200,
    body: repositoryPayload(world, repository),
  }),
  [`GET ${REPOSITORY}/actions/workflows`]: (world, { repository, url }) => {
    const all = repository.workflows.map((workflow) => workflowPayload(world, repository, workflow));
    return listAnswer(url, "workflows", all);
  },
  [`POST ${WORKFLOW}/dispatches`]: dispatchAnswer,
  [`GET ${WORKFLOW}/runs`]: listRuns,
  [`GET ${RUN}`]: ofRun((world, run) => ({ status: 200, body: runPayload(world, run) })),
  [`GET ${RUN}/jobs`]: ofRun((world, run, { url }) => {
    const jobs = run.jobs.map((job, index) => jobPayload(world, run, job, index));
    return listAnswer(url, "jobs", jobs);
  }),
  [`POST ${RUN}/cancel`]: cancel(false),
  [`POST ${RUN}/force-cancel`]: cancel(true),
};

/** The route of a call, and what it names. */
export interface FoundRoute {
  /** As GitHub's description writes it. */
  readonly route: string;
  readonly handle: Handle;
  readonly parts: Readonly<Record<string, string>>;
  readonly url: URL;
}

const isPart = (name: string): boolean => name.startsWith("{");

/** The route of this path below the API; null when there is none. */
export function findRoute(method: string, path: string, url: URL): FoundRoute | null {
  const given = path.split("/");
  for (const [route, handle] of Object.entries(ROUTES)) {
    const [wanted, template = ""] = route.split(" ");
    const names = template.split("/");
    if (wanted !== method || names.length !== given.length) continue;
    if (!names.every((name, index) => isPart(name) || name === given[index])) continue;
    const parts = names.flatMap((name, index) =>
      isPart(name) ? [[name.slice(1, -1), decodeURIComponent(given[index] ?? "")] as const] : [],
    );
    return { route, handle, parts: Object.fromEntries(parts), url };
  }
  return null;
}
