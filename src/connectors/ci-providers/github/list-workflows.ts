import * as z from "zod";
import { githubPages } from "./github-pages.ts";
import type { GithubSession } from "./github-session.ts";
import { repositoryPlace } from "./workflow-place.ts";

const WORKFLOWS = "GET /repos/{owner}/{repo}/actions/workflows";
const WorkflowsPage = z.object({
  workflows: z.array(
    z.object({ id: z.int().transform(String), name: z.string(), path: z.string(), state: z.string() }),
  ),
});

/** A workflow that can be started. */
export interface GithubWorkflow {
  readonly id: string;
  readonly name: string;
  /** Such as `.github/workflows/deploy.yml`. */
  readonly path: string;
}

/** The workflows of a repository that nobody has switched off. Throws ExternalSystemError. */
export async function listWorkflows(
  github: GithubSession,
  repository: string,
  signal: AbortSignal | undefined,
): Promise<GithubWorkflow[]> {
  const doing = `listing the workflows of ${repository}`;
  const place = repositoryPlace(repository);
  if (!place) throw github.fault(doing, "a repository is named like org/name");
  const found: GithubWorkflow[] = [];
  for await (const data of githubPages(github, doing, WORKFLOWS, place, { signal })) {
    const page = WorkflowsPage.safeParse(data);
    if (!page.success) throw github.fault(doing, "the answer is no list of workflows");
    for (const { state, ...workflow } of page.data.workflows) if (state === "active") found.push(workflow);
  }
  return found;
}
