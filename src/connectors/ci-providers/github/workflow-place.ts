import type { RunRequest } from "../ci-provider.ts";

/** Where a workflow stands, as parameters of GitHub's addresses. */
export interface WorkflowPlace {
  readonly owner: string;
  readonly repo: string;
  /** The name of its file, or its number. */
  readonly workflow_id: string;
}

const FOLDER = ".github/workflows/";
const SLUG = /^([A-Za-z0-9_.-]+)\/([A-Za-z0-9_.-]+)$/;
const isDots = (part: string): boolean => part === "." || part === "..";

/** Owner and name of a repository; null for what is no `org/name`. Dots alone would lead elsewhere. */
export function repositoryPlace(repository: string | null): { owner: string; repo: string } | null {
  const [, owner = "", repo = ""] = SLUG.exec(repository ?? "") ?? [];
  return owner === "" || isDots(owner) || isDots(repo) ? null : { owner, repo };
}

/** Where the workflow of a request stands; a sentence when GitHub has no such place. */
export function workflowPlace(request: RunRequest): WorkflowPlace | string {
  const place = repositoryPlace(request.repository);
  if (!place) return `"${request.repository ?? ""}" is not a repository: it is named like org/name`;
  const name = request.workflow.startsWith(FOLDER) ? request.workflow.slice(FOLDER.length) : request.workflow;
  if (/^\d+$/.test(name) || /^[^/\\]+\.ya?ml$/.test(name)) return { ...place, workflow_id: name };
  return `"${request.workflow}" is not a workflow: it is named by its file, like deploy.yml, or by its number`;
}

/** Whether a run of this workflow is one of the place's. GitHub may write `@ref` behind the path. */
export function isWorkflowAt(
  place: WorkflowPlace,
  workflow: { readonly id: string; readonly path: string },
): boolean {
  if (workflow.id === place.workflow_id) return true;
  const [path = ""] = workflow.path.split("@", 1);
  return path === FOLDER + place.workflow_id;
}
