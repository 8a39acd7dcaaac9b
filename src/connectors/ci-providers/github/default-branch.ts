import * as z from "zod";
import type { GithubReply } from "./github-replies.ts";
import type { GithubSession } from "./github-session.ts";
import type { WorkflowPlace } from "./workflow-place.ts";

const RepositoryAnswer = z.object({ default_branch: z.string().min(1) });

/** The repository's default branch, or the answer that says why it cannot be known. Remembered for a minute. */
export async function defaultBranch(
  github: GithubSession,
  { owner, repo }: Pick<WorkflowPlace, "owner" | "repo">,
  signal: AbortSignal | undefined,
): Promise<string | GithubReply> {
  const key = `${github.api}/repos/${owner}/${repo}`.toLowerCase();
  const known = github.memory.defaultBranches.get(key);
  if (known !== undefined) return known;
  const reply = await github.call("GET /repos/{owner}/{repo}", { owner, repo }, { signal });
  if (reply.status !== 200) return reply;
  const answer = RepositoryAnswer.safeParse(reply.data);
  if (!answer.success) throw github.fault(`reading ${owner}/${repo}`, "the answer names no default branch");
  github.memory.defaultBranches.set(key, answer.data.default_branch);
  return answer.data.default_branch;
}
