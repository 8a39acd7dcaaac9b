import type { Repository, Workflow } from "./world.ts";

/** A call that may be made: its repository is there and visible. */
export interface GithubRequest {
  readonly repository: Repository;
  /** The named parts of its path. */
  readonly parts: Readonly<Record<string, string>>;
  readonly url: URL;
  readonly body: unknown;
  /** `X-GitHub-Api-Version`. */
  readonly version: string;
}

/** The workflow that a path names, by file or number. */
export const workflowOf = ({ repository, parts }: GithubRequest): Workflow | undefined =>
  repository.workflows.find(({ id, file }) => [file, String(id)].includes(parts["workflow_id"] ?? ""));
