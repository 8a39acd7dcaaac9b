import { type Answer, NOT_FOUND, refusal } from "./answers.ts";
import { addRun } from "./run-life.ts";
import { type GithubRequest, workflowOf } from "./github-request.ts";
import type { Run, Workflow, World } from "./world.ts";

const MAX_INPUTS = 25;
const KNOWN_FIELDS = new Set(["ref", "inputs", "return_run_details"]);

type Inputs = Readonly<Record<string, string>>;
type Fields = Readonly<Record<string, unknown>>;

function refuseInputs(workflow: Workflow, inputs: Inputs): Answer | null {
  const declared = workflow.inputs ?? {};
  const unknown = Object.keys(inputs).filter((name) => !(name in declared));
  if (unknown.length > 0) return refusal(422, `Unexpected inputs provided: ${JSON.stringify(unknown)}`);
  const missing = Object.entries(declared).find(([name, { required }]) => required && !inputs[name]);
  if (missing) return refusal(422, `Required input '${missing[0]}' not provided`);
  if (Object.keys(inputs).length > MAX_INPUTS)
    return refusal(422, "Invalid request.\n\nNo more than 25 properties are allowed.");
  return null;
}

function refuseFields(world: World, body: Fields): Answer | null {
  const isOld = world.dispatchAnswer === "refuse_field";
  const unknown = Object.keys(body).find(
    (field) => !KNOWN_FIELDS.has(field) || (isOld && field === "return_run_details"),
  );
  if (unknown !== undefined)
    return refusal(isOld ? 400 : 422, `Invalid request.\n\n"${unknown}" is not a permitted key.`);
  return typeof body["ref"] === "string" ? null : refusal(422, `Invalid request.\n\n"ref" wasn't supplied.`);
}

/** The refusals that have to do with the workflow itself, in GitHub's order. */
function refuseWorkflow(workflow: Workflow, inputs: Inputs): Answer | null {
  if (workflow.state !== "active")
    return refusal(422, "Cannot trigger a 'workflow_dispatch' on a disabled workflow");
  if (!workflow.inputs) return refusal(422, "Workflow does not have 'workflow_dispatch' trigger");
  return refuseInputs(workflow, inputs);
}

/** What a dispatch that made this run answers: the run only to those who ask for it, and who speak of it at all. */
function accepted(world: World, run: Run, { body, version }: GithubRequest): Answer {
  const isAsked = (body as Fields)["return_run_details"] === true || version === "2026-03-10";
  if (world.dispatchAnswer !== "details" || !isAsked) return { status: 204 };
  const path = `${run.repository.fullName}/actions/runs/${run.id}`;
  const run_url = `${world.base}/api/v3/repos/${path}`;
  return { status: 200, body: { workflow_run_id: run.id, run_url, html_url: `${world.base}/${path}` } };
}

/** `POST …/dispatches`: checks, makes the run, answers as the world says. */
export async function dispatchAnswer(world: World, request: GithubRequest): Promise<Answer> {
  const body = request.body as Fields;
  const workflow = workflowOf(request);
  if (!workflow) return NOT_FOUND;
  const wrong = refuseFields(world, body);
  if (wrong) return wrong;
  const ref = String(body["ref"]);
  const inputs = (body["inputs"] ?? {}) as Inputs;
  const { repository } = request;
  const sha = await repository.git.commitOf(ref);
  if (sha === null) return refusal(422, `No ref found for: ${ref}`);
  const refused = refuseWorkflow(workflow, inputs);
  if (refused) return refused;
  await world.hooks.beforeDispatch?.(inputs);
  const branch = ref.replace(/^refs\/(heads|tags)\//, "");
  const run = addRun(world, { repository, workflow, branch, sha, inputs });
  await world.hooks.onDispatch?.(run);
  return accepted(world, run, request);
}
