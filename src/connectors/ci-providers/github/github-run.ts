import * as z from "zod";
import type { RunRequest } from "../ci-provider.ts";
import { isWorkflowAt, type WorkflowPlace } from "./workflow-place.ts";

/** GitHub's numbers; the client reads those beyond 2^53 as bigint. */
const GithubId = z.union([z.int(), z.bigint()]).transform(String);
const Moment = z.coerce.date();

/** What is read of a run (GitHub's REST description, schema `workflow-run`). */
export const GithubRun = z.object({
  id: GithubId,
  name: z.string().nullish(),
  display_title: z.string().nullish(),
  head_branch: z.string().nullish(),
  event: z.string(),
  status: z.string().nullish(),
  conclusion: z.string().nullish(),
  run_attempt: z.int().positive().default(1),
  workflow_id: GithubId,
  path: z.string().default(""),
  html_url: z.string(),
  created_at: Moment,
  run_started_at: Moment.optional(),
  updated_at: Moment,
  repository: z.object({ full_name: z.string() }),
});
export type GithubRun = z.infer<typeof GithubRun>;

/** What a dispatch answers that was asked for its run. */
export const DispatchedRun = z.object({ workflow_run_id: GithubId, html_url: z.string().optional() });

/** How far GitHub's clock may be behind ours, in milliseconds. */
const CLOCK_SKEW_MILLIS = 60_000;

/** Runs of so long before are listed: one that shows the id of this attempt is ours whatever the clocks say. */
const LISTED_BACK_MILLIS = 60 * 60_000;

/** GitHub's moments are whole seconds. */
const before = ({ intendedAt }: RunRequest, millis: number): Date =>
  new Date(Math.floor((intendedAt.getTime() - millis) / 1000) * 1000);

/** From when on runs are listed that may have come of this request. */
export const listedFrom = (request: RunRequest): Date => before(request, LISTED_BACK_MILLIS);

/** The label as a word of its own: `17` in "Deploy 17" and "#17", neither in "1.17" nor in "17-rc1". */
const hasLabel = (text: string, label: string): boolean =>
  label !== "" && text.split(/[\s#()[\]{},;:|/]+/).includes(label);

/** The workflow puts what it was given into the run's name: the id of this attempt, or the number of what it serves. */
export const showsId = (run: GithubRun, { id, label }: Pick<RunRequest, "id" | "label">): boolean =>
  [run.display_title, run.name].some((text) => text?.includes(id) || hasLabel(text ?? "", label));

/** Another request's id stands there, or one of the same shape: then it is not ours. */
export const showsOtherId = (run: GithubRun, request: Pick<RunRequest, "id" | "label">): boolean =>
  !showsId(run, request) &&
  [run.display_title, run.name].some((text) => /(?<![\da-f])[\da-f]{24}(?![\da-f])/.test(text ?? ""));

/** No other run knows the id of this attempt, so none that shows it can be older. */
const isInTime = (run: GithubRun, request: RunRequest): boolean =>
  run.created_at >= before(request, CLOCK_SKEW_MILLIS) ||
  [run.display_title, run.name].some((text) => text?.includes(request.id));

/** Whether the run can have come of a dispatch of this request: same repository and workflow, and not older. */
export const isOurs = (run: GithubRun, place: WorkflowPlace, request: RunRequest): boolean =>
  run.repository.full_name.toLowerCase() === `${place.owner}/${place.repo}`.toLowerCase() &&
  isWorkflowAt(place, { id: run.workflow_id, path: run.path }) &&
  run.event === "workflow_dispatch" &&
  isInTime(run, request);
