import { openapiExample } from "./answer-schemas.ts";
import { webhookExample } from "./webhook-shapes.ts";
import type { Job, Repository, Run, RunAction, Workflow, World } from "./world.ts";

type Json = Record<string, unknown>;

/** GitHub's moments are whole seconds. */
const moment = (at: Date): string => at.toISOString().replace(/\.\d+Z$/, "Z");
const apiOf = (world: World, { fullName }: Repository): string => `${world.base}/api/v3/repos/${fullName}`;
const fileOf = ({ file }: Workflow): string => `.github/workflows/${file}`;

const movedExamples = new WeakMap<World, Map<string, Json>>();

/** An example in which the addresses are those of our host and repository; for all payloads of that kind the same object. */
function moved(name: string, load: () => Json, world: World, { fullName }: Repository): Json {
  const known = movedExamples.get(world) ?? new Map<string, Json>();
  movedExamples.set(world, known);
  const key = `${name} ${fullName}`;
  const found = known.get(key);
  if (found) return found;
  const text = JSON.stringify(load())
    .replaceAll("https://api.github.com", `${world.base}/api/v3`)
    .replaceAll("https://github.com", world.base)
    .replaceAll(/octocat\/Hello-World|octo-org\/octo-repo/g, fullName);
  const example = JSON.parse(text) as Json;
  known.set(key, example);
  return example;
}

const described = (name: string, world: World, repository: Repository): Json =>
  moved(name, () => openapiExample(name), world, repository);

function repositoryFacts(example: Json, repository: Repository): Json {
  const [login = "", name = ""] = repository.fullName.split("/");
  const { id, isPublic } = repository;
  const owner = { ...(example["owner"] as Json), login };
  return { ...example, id, name, full_name: repository.fullName, owner, private: !isPublic };
}

/** As `GET /repos/{owner}/{repo}` answers. */
export function repositoryPayload(world: World, repository: Repository): Json {
  const {
    source: _,
    parent: __,
    template_repository: ___,
    ...example
  } = described("full-repository-default-response", world, repository);
  const { defaultBranch } = repository.git;
  return { ...repositoryFacts(example, repository), language: null, default_branch: defaultBranch };
}

/** As lists of workflows hold it. */
export function workflowPayload(world: World, repository: Repository, workflow: Workflow): Json {
  const list = described("workflow-paginated", world, repository);
  const [example] = list["workflows"] as [Json];
  const { id, name, state } = workflow;
  const url = `${apiOf(world, repository)}/actions/workflows/${id}`;
  return { ...example, id, name, state, path: fileOf(workflow), url };
}

function runFacts(world: World, run: Run): Json {
  const { repository, workflow, id } = run;
  const api = apiOf(world, repository);
  const url = `${api}/actions/runs/${id}`;
  return {
    id,
    name: workflow.name,
    display_title: run.title,
    head_branch: run.branch,
    head_sha: run.sha,
    path: fileOf(workflow),
    run_number: run.number,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: workflow.id,
    run_attempt: run.attempt,
    created_at: moment(run.createdAt),
    run_started_at: moment(run.startedAt),
    updated_at: moment(run.updatedAt),
    url,
    html_url: `${world.base}/${repository.fullName}/actions/runs/${id}`,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: run.attempt > 1 ? `${url}/attempts/${run.attempt - 1}` : null,
    workflow_url: `${api}/actions/workflows/${workflow.id}`,
  };
}

/** As `GET /repos/{owner}/{repo}/actions/runs/{run_id}` answers. */
export function runPayload(world: World, run: Run): Json {
  const example = described("workflow-run", world, run.repository);
  const repository = repositoryFacts(example["repository"] as Json, run.repository);
  const { referenced_workflows: _, ...rest } = example;
  return { ...rest, ...runFacts(world, run), repository, head_repository: repository };
}

/** A job of a run, as lists hold it. */
export function jobPayload(world: World, run: Run, job: Job, index: number): Json {
  const list = described("job-paginated", world, run.repository);
  const [example] = list["jobs"] as [Json];
  const id = run.id * 100 + index;
  const url = `${apiOf(world, run.repository)}/actions/jobs/${id}`;
  const status = job.conclusion === null ? "in_progress" : "completed";
  const steps = (job.steps ?? []).map((step, at) => ({ ...step, number: at + 1, status: "completed" }));
  const run_url = `${apiOf(world, run.repository)}/actions/runs/${run.id}`;
  const begun = { created_at: moment(run.createdAt), started_at: moment(run.startedAt) };
  const completed_at = job.conclusion === null ? null : moment(run.updatedAt);
  const facts = { id, url, run_id: run.id, run_url, run_attempt: run.attempt, head_sha: run.sha };
  return { ...example, ...facts, ...begun, completed_at, ...job, status, steps };
}

/** The body of a webhook `workflow_run`. */
export function runEventPayload(world: World, action: RunAction, run: Run): Json {
  const shown = action === "in_progress" ? "requested" : action;
  const example = moved(shown, () => webhookExample("workflow_run", shown), world, run.repository);
  const repository = repositoryFacts(example["repository"] as Json, run.repository);
  const inRun = example["workflow_run"] as Json;
  const minimal = repositoryFacts(inRun["repository"] as Json, run.repository);
  return {
    ...example,
    action,
    repository,
    workflow: { ...(example["workflow"] as Json), ...workflowFacts(run.workflow) },
    workflow_run: { ...inRun, ...runFacts(world, run), repository: minimal, head_repository: minimal },
  };
}

const workflowFacts = (workflow: Workflow): Json => ({
  id: workflow.id,
  name: workflow.name,
  path: fileOf(workflow),
  state: workflow.state,
});
