import {
  createGithubProvider,
  type GithubProvider,
} from "../../../src/connectors/ci-providers/github/github-provider.ts";
import type { GithubTarget, RunRequest } from "../../../src/connectors/ci-providers/ci-provider.ts";
import {
  createHttpClient,
  type HttpClient,
  type HttpClientOptions,
} from "../../../src/connectors/http-client.ts";
import { newId } from "../../../src/kernel/id.ts";
import type { BareRepository } from "./bare-repository.ts";
import { type Github, startGithub } from "./github.ts";
import type { Repository, Workflow } from "./world.ts";

/** A GitHub with one repository and one workflow, and our provider for it. */
export interface GithubScene {
  readonly github: Github;
  readonly git: BareRepository;
  readonly repository: Repository;
  /** `deploy.yml` of `acme/web`, which shows our id when it is given it. */
  readonly workflow: Workflow;
  readonly target: GithubTarget;
  readonly provider: GithubProvider;
  /** A provider that shares nothing with the first one. */
  another(changes?: Partial<GithubTarget>, options?: HttpClientOptions): GithubProvider;
  /** A request to deploy, with an id of its own. */
  request(changes?: Partial<RunRequest>): RunRequest;
  /** The calls so far that ask to start something. */
  dispatches(): number;
  /** As when the program stops. */
  closeClients(): Promise<void>;
  /** Ends it; fails as `Github.stop` does. */
  close(): Promise<void>;
}

/** The token of the scene; it may stand in no error. */
export const SCENE_TOKEN = "github_pat_0123456789abcdefABCDEF";

const DECLARED = {
  aviator_deployment_id: {},
  aviator_release_cut_commit_hash: {},
  aviator_release_candidate_version: {},
  headgate_run_id: {},
};

/** Sets the scene over a repository that several may share. */
export async function githubScene(
  git: BareRepository,
  options: HttpClientOptions = {},
): Promise<GithubScene> {
  const github = await startGithub();
  const repository = github.addRepository("acme/web", git);
  const runName = (inputs: Readonly<Record<string, string>>): string =>
    ["Deploy", inputs["headgate_run_id"]].filter(Boolean).join(" ");
  const workflow = github.addWorkflow(repository, "deploy.yml", {
    name: "Deploy",
    inputs: DECLARED,
    runName,
  });
  github.addToken(SCENE_TOKEN, { "acme/web": "write" });
  const target: GithubTarget = {
    name: "our-github",
    host: github.host,
    plainHttp: true,
    allowPrivate: true,
    caPem: null,
    token: SCENE_TOKEN,
  };
  const clients: HttpClient[] = [];
  const another: GithubScene["another"] = (changes = {}, others = options) => {
    const http = createHttpClient(others);
    clients.push(http);
    return createGithubProvider(http, { ...target, ...changes });
  };
  const closeClients = async (): Promise<void> => {
    await Promise.all(clients.map((client) => client.close()));
  };
  return {
    github,
    git,
    repository,
    workflow,
    target,
    provider: another(),
    another,
    request: (changes = {}) => ({
      id: newId(new Date()),
      label: "17",
      workflow: "deploy.yml",
      repository: "acme/web",
      ref: "main",
      inputs: { aviator_deployment_id: "17", aviator_release_candidate_version: "1.2.3-rc1" },
      releaseJson: "{}",
      intendedAt: new Date(),
      ...changes,
    }),
    dispatches: () => github.calls.filter(({ line }) => line.endsWith("/dispatches")).length,
    closeClients,
    close: async () => {
      await closeClients();
      await github.stop();
    },
  };
}
