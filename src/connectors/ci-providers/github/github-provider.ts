import type { HttpClient } from "../../http-client.ts";
import type { CiProvider, GithubTarget } from "../ci-provider.ts";
import { cancelRun } from "./cancel-run.ts";
import { findRun } from "./find-run.ts";
import { createGithubMemory, type GithubMemory } from "./github-memory.ts";
import { openGithub } from "./github-session.ts";
import { type GithubWorkflow, listWorkflows } from "./list-workflows.ts";
import { readRun } from "./read-run.ts";
import { startRun } from "./start-run.ts";

/** GitHub Actions, with what it can tell besides. */
export interface GithubProvider extends CiProvider {
  /** The active workflows of `org/name`. Throws ExternalSystemError. */
  listWorkflows(repository: string, signal?: AbortSignal): Promise<readonly GithubWorkflow[]>;
}

/**
 * Makes the provider for one GitHub. It never repeats a call; who wants that, and may, does. Providers that share a
 * memory spare calls.
 */
export function createGithubProvider(
  http: HttpClient,
  target: GithubTarget,
  memory: GithubMemory = createGithubMemory(),
): GithubProvider {
  const github = openGithub(http, target, memory);
  return {
    canFind: true,
    startRepeats: false,
    start: (request, signal) => startRun(github, request, signal),
    find: (request, claimed, signal) => findRun(github, request, claimed, signal),
    read: (run, request, signal) => readRun(github, run, request, signal),
    cancel: (run, request, { force }, signal) => cancelRun(github, run, request, { force, signal }),
    listWorkflows: (repository, signal) => listWorkflows(github, repository, signal),
  };
}
