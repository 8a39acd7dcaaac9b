import { createConnection } from "../../src/connections/create-connection.ts";
import { hasten } from "../../src/tasks/task-queue.ts";
import { findRun, type RunEntry } from "../../src/workflows/workflow-run-store.ts";
import type { Engine } from "./databases.ts";
import { type DeployScene, deployScene, type SceneOptions, type WireDeployment } from "./deploy-scene.ts";
import { bareRefs } from "./github/bare-repository.ts";
import { type Github, startGithub } from "./github/github.ts";
import type { Run, Repository, Workflow } from "./github/world.ts";
import type { Answer } from "./server.ts";

/** A deploy scene with a GitHub over the same repository, and a clock that a test can set forward for both. */
export interface GithubDeploys extends DeployScene {
  readonly github: Github;
  readonly repositoryOnGithub: Repository;
  /** The clock of the server and of GitHub goes on by so much at once. */
  step(millis: number): void;
  /** Has every open entry of the ledger looked at now, whatever it sleeps for. */
  look(): Promise<void>;
  /** An environment of its own, with a workflow file of its own. */
  site(options?: SiteOptions): Promise<Site>;
}

/** What runs of a site's workflow show in their names: the id of the attempt, the deployment's number, or neither. */
export interface SiteOptions {
  readonly shows?: "id" | "number" | "nothing";
  readonly timeLimitMinutes?: number;
}

/** One environment, its workflow file, and what became of it. */
export interface Site {
  readonly name: string;
  readonly workflow: Workflow;
  /** The runs of its workflow on GitHub. */
  runs(): readonly Run[];
  /** How often its workflow was asked to start. */
  dispatches(): number;
  deploy(version?: string): Promise<Answer>;
  newest(): Promise<WireDeployment>;
  /** The newest entry of the ledger for it. */
  entry(): Promise<RunEntry>;
  /** Looks again and again until the newest deployment has one of these statuses. */
  until(...statuses: readonly string[]): Promise<WireDeployment>;
  /** Looks again and again until this is so. */
  untilTrue(condition: () => unknown): Promise<void>;
}

/** What the server signs in with, and what GitHub signs webhooks with: they may stand nowhere. */
export const DEPLOY_TOKEN = "github_pat_11AAAAAAA0_deploysdeploysdeploys";
export const WEBHOOK_SECRET = "whsec-0123456789abcdef-webhooks";

/** The version that every site deploys unless told otherwise. */
export const VERSION = "1.0.0-rc1";

const DECLARED = {
  aviator_deployment_id: {},
  aviator_release_cut_id: {},
  aviator_release_cut_commit_hash: {},
  aviator_release_candidate_version: {},
  headgate_run: {},
};

const RUN_NAMES = {
  id: (inputs: Readonly<Record<string, string>>) => `Deploy ${inputs["headgate_run"] ?? ""}`,
  number: (inputs: Readonly<Record<string, string>>) => `Deploy #${inputs["aviator_deployment_id"] ?? ""}`,
  nothing: null,
} as const;

/** Starts it with the candidates 1.0.0-rc1, -rc2 and -rc3. */
export async function githubDeploys(engine: Engine, options: SceneOptions = {}): Promise<GithubDeploys> {
  const scene = await deployScene(engine, options);
  const github = await startGithub();
  const { server, repository } = scene;
  const repositoryOnGithub = github.addRepository("acme/web", bareRefs(repository.path, "main"));
  github.addToken(DEPLOY_TOKEN, { "acme/web": "write" });
  await createConnection(server.ctx, {
    name: "our-github",
    kind: "github",
    host: github.host,
    plainHttp: true,
    allowPrivate: true,
    allProjects: true,
    password: DEPLOY_TOKEN,
    webhookSecret: WEBHOOK_SECRET,
  });
  for (const [index, commit] of scene.commits.entries()) await scene.cut(`1.0.0-rc${index + 1}`, commit);
  // The server's own clock, as if the machine's had been set: it is read through the context alone.
  Object.assign(server.ctx, { now: () => new Date(Date.now() + github.skewMillis) });
  let sites = 0;
  const deploys: GithubDeploys = {
    ...scene,
    github,
    repositoryOnGithub,
    step: (millis) => void (github.skewMillis += millis),
    look: () => lookAtAll(scene),
    site: async (siteOptions = {}) => {
      sites += 1;
      return await makeSite(deploys, `site-${sites}`, siteOptions);
    },
    stop: async () => {
      await scene.stop();
      await github.stop();
    },
  };
  return deploys;
}

async function lookAtAll({ server }: DeployScene): Promise<void> {
  const { db } = server.ctx;
  const open = await db
    .selectFrom("workflow_runs")
    .select("task_id")
    .where("state", "not in", ["refused", "ended"])
    .execute();
  for (const { task_id } of open) await hasten(db, task_id);
}

async function makeSite(
  deploys: GithubDeploys,
  name: string,
  { shows = "id", timeLimitMinutes }: SiteOptions,
): Promise<Site> {
  const { github, server, repositoryOnGithub } = deploys;
  const file = `${name}.yml`;
  const workflow = github.addWorkflow(repositoryOnGithub, file, {
    name: "Deploy",
    inputs: DECLARED,
    runName: RUN_NAMES[shows],
  });
  await deploys.addWorkflow("web", {
    name,
    provider: "github",
    connection: "our-github",
    target: file,
    parameters: [{ name: "headgate_run", source: "run", value: "" }],
  });
  await deploys.addEnvironment("web", {
    name,
    workflow: name,
    ...(timeLimitMinutes && { timeLimitMinutes }),
  });
  const newest = async (): Promise<WireDeployment> => {
    const [first] = (await deploys.list(name)).json as WireDeployment[];
    if (!first) throw new Error(`nothing was deployed to ${name}`);
    return first;
  };
  const site: Site = {
    name,
    workflow,
    newest,
    runs: () => github.runs.filter((run) => run.workflow === workflow),
    dispatches: () => github.calls.filter(({ line }) => line.endsWith(`/${file}/dispatches`)).length,
    deploy: (version = VERSION) => deploys.deploy(name, version),
    entry: async () => {
      const { id } = await server.ctx.db
        .selectFrom("workflow_runs")
        .select("id")
        .where("target", "=", file)
        .orderBy("id", "desc")
        .executeTakeFirstOrThrow();
      const entry = await findRun(server.ctx.db, id);
      if (!entry) throw new Error(`the entry ${id} is gone`);
      return entry;
    },
    until: async (...statuses) => {
      for (;;) {
        const deployment = await newest();
        if (statuses.includes(deployment.status)) return deployment;
        await deploys.look();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
    untilTrue: async (condition) => {
      while (!(await condition())) {
        await deploys.look();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    },
  };
  return site;
}
