import { ExternalSystemError } from "../../../kernel/errors.ts";
import { CallNotMadeError } from "../../call-not-made.ts";
import { type Delivery, type RunRequest, type StartAnswer, StartFailedError } from "../ci-provider.ts";
import { defaultBranch } from "./default-branch.ts";
import { type GithubReply, limitMillis } from "./github-replies.ts";
import { DispatchedRun } from "./github-run.ts";
import type { GithubSession } from "./github-session.ts";
import { type WorkflowPlace, workflowPlace } from "./workflow-place.ts";

const DISPATCH = "POST /repos/{owner}/{repo}/actions/workflows/{workflow_id}/dispatches";
/** What GitHub takes at most (documentation of `workflow_dispatch`). */
const MAX_INPUTS = 25;
const MAX_INPUT_CHARACTERS = 65_535;
/** The server may have begun to work when it said so. */
const UNCLEAR_STATUSES = new Set([408, 425]);

const refused = (text: string): StartAnswer => ({ kind: "refused", text });

/** Why GitHub would not take these inputs; null when it does. */
function wrongInputs(inputs: RunRequest["inputs"]): string | null {
  const count = Object.keys(inputs).length;
  if (count > MAX_INPUTS) return `GitHub takes at most ${MAX_INPUTS} inputs, and these are ${count}`;
  const { length } = JSON.stringify(inputs);
  return length > MAX_INPUT_CHARACTERS
    ? `GitHub takes at most ${MAX_INPUT_CHARACTERS} characters of inputs, and these are ${length}`
    : null;
}

/** Says of every failure of the outside whether the request can have arrived; an abort keeps its reason. */
async function telling<T>(delivery: Delivery, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ExternalSystemError)) throw error;
    throw new StartFailedError(error instanceof CallNotMadeError ? "not_sent" : delivery, error);
  }
}

/** GitHub Enterprise Server refuses the whole dispatch for a field that it does not know; nothing is started then. */
const dislikesField = (reply: GithubReply, words: string): boolean =>
  reply.status === 400 || (reply.status === 422 && words.includes("return_run_details"));

/** Sends the dispatch: once, and once more without the field where a server refused it for that. */
async function dispatch(
  github: GithubSession,
  body: Record<string, unknown>,
  signal: AbortSignal | undefined,
): Promise<GithubReply> {
  const { oldServers } = github.memory;
  const send = (parameters: Record<string, unknown>): Promise<GithubReply> =>
    telling("unclear", () => github.call(DISPATCH, parameters, { signal }));
  if (oldServers.get(github.api)) return send(body);
  const reply = await send({ ...body, return_run_details: true });
  if (!dislikesField(reply, github.words(reply))) return reply;
  const second = await send(body);
  if (second.status < 300) oldServers.set(github.api, true);
  return second;
}

const HINTS: Readonly<Record<number, string>> = {
  404: " (no such repository or workflow, or the token may not see it)",
};

/** What an answer other than success means: thrown when it may pass or something may run, else a refusal. */
function judge(github: GithubSession, reply: GithubReply, doing: string): StartAnswer {
  const { status } = reply;
  if (limitMillis(reply, new Date()) !== null)
    throw new StartFailedError("not_sent", github.refusal(reply, doing));
  if (status >= 500 || UNCLEAR_STATUSES.has(status))
    throw new StartFailedError("unclear", github.refusal(reply, doing));
  if (status < 400) return refused(`${doing}: it has moved to ${reply.header("location") ?? "elsewhere"}`);
  return refused(`${doing}: ${github.words(reply)}${HINTS[status] ?? ""}`);
}

function started(reply: GithubReply): StartAnswer {
  const details = DispatchedRun.safeParse(reply.data);
  if (!details.success) return { kind: "accepted" };
  return { kind: "started", run: details.data.workflow_run_id, url: details.data.html_url ?? null };
}

/** The branch or tag to dispatch on, or the answer when that cannot be known: nothing has been sent then. */
async function chooseRef(
  github: GithubSession,
  place: WorkflowPlace,
  request: RunRequest,
  signal: AbortSignal | undefined,
): Promise<string | StartAnswer> {
  if (request.ref !== null) return request.ref;
  return await telling("not_sent", async () => {
    const branch = await defaultBranch(github, place, signal);
    if (typeof branch === "string") return branch;
    const doing = `reading ${request.repository}`;
    if (branch.status >= 500) throw github.refusal(branch, doing);
    return judge(github, branch, doing);
  });
}

/**
 * Dispatches a workflow at most once. Throws StartFailedError; when the signal ends the call its reason, and then the
 * request may have arrived.
 */
export async function startRun(
  github: GithubSession,
  request: RunRequest,
  signal: AbortSignal | undefined,
): Promise<StartAnswer> {
  const place = workflowPlace(request);
  if (typeof place === "string") return refused(place);
  const wrong = wrongInputs(request.inputs);
  if (wrong !== null) return refused(wrong);
  const ref = await chooseRef(github, place, request, signal);
  if (typeof ref !== "string") return ref;
  const inputs = Object.keys(request.inputs).length > 0 ? { inputs: request.inputs } : {};
  const reply = await dispatch(github, { ...place, ref, ...inputs }, signal);
  if (reply.status >= 200 && reply.status < 300) return started(reply);
  return judge(github, reply, `starting ${request.workflow} in ${request.repository}`);
}
