import { cancelDeployment } from "../../src/deployments/cancel-deployment.ts";
import { createDeployment } from "../../src/deployments/create-deployment.ts";
import { applyRunToDeployment } from "../../src/deployments/apply-run.ts";
import type { Deployment, DeploymentStatus } from "../../src/deployments/deployment.ts";
import { findDeployment, listBefore } from "../../src/deployments/deployment-store.ts";
import type { Force } from "../../src/deployments/force-gates.ts";
import { reportDeployment } from "../../src/deployments/report-deployment.ts";
import { rollBackEnvironment } from "../../src/deployments/roll-back-environment.ts";
import { type Context, inTransaction } from "../../src/context.ts";
import { changeEnvironment } from "../../src/environments/change-environment.ts";
import { createEnvironment } from "../../src/environments/create-environment.ts";
import type { Environment, EnvironmentDraft } from "../../src/environments/environment.ts";
import { findEnvironment } from "../../src/environments/environment-store.ts";
import { findDistributionOf } from "../../src/distributions/distribution-store.ts";
import { finishDistribution } from "../../src/distributions/finish-distribution.ts";
import { newId } from "../../src/kernel/id.ts";
import { createProject } from "../../src/projects/create-project.ts";
import type { Project } from "../../src/projects/project.ts";
import { prepareRelease } from "../../src/releases/prepare-release.ts";
import type { BuildStatus, ReleaseCandidate } from "../../src/releases/release-candidate.ts";
import { readCandidateVersion } from "../../src/releases/release-candidate.ts";
import { findCandidate, insertCandidate } from "../../src/releases/release-candidate-store.ts";
import { ensureRelease } from "../../src/releases/release-store.ts";
import type { Database } from "../../src/storage/database.ts";
import { createWorkflow } from "../../src/workflows/create-workflow.ts";
import { endRun } from "../../src/workflows/end-run.ts";
import { type RunEntry, runsOf } from "../../src/workflows/workflow-run-store.ts";
import { testContext } from "./context.ts";

/** How a run ends. */
type Outcome = Parameters<typeof endRun>[2];

/** A clock that stands still until it is set. */
export interface SteppedClock {
  now: Date;
  /** So many minutes on, or back. */
  step(minutes: number): void;
}

export const steppedClock = (start: string): SteppedClock => ({
  now: new Date(start),
  step(minutes) {
    this.now = new Date(this.now.getTime() + minutes * 60_000);
  },
});

/** A project whose environments are deployed to by a workflow of which only the ledger is kept: nothing is carried out. */
export interface DeploymentScene {
  /** In the hands of the program itself, by the scene's clock. */
  readonly ctx: Context;
  readonly clock: SteppedClock;
  readonly project: Project;
  /** With the workflow `ship`, unless the draft says otherwise. */
  addEnvironment(name: string, draft?: Partial<EnvironmentDraft>): Promise<Environment>;
  environment(name: string): Promise<Environment>;
  /** A candidate such as `1.0-rc1`, as it is once its build is in this state. */
  candidate(version: string, buildStatus?: BuildStatus): Promise<ReleaseCandidate>;
  /** A release without candidates that contains no image, and whose copy has succeeded; returns the id of its content. */
  bareRelease(version: string): Promise<string>;
  deploy(environment: string, version: string, how?: { by?: Context; force?: Force }): Promise<Deployment>;
  rollBack(environment: string, how?: RollBackHow): Promise<Deployment>;
  report(
    environment: string,
    version: string,
    status: DeploymentStatus,
    message?: string,
  ): Promise<Deployment>;
  cancel(number: number, by?: Context): Promise<Deployment>;
  /** The run of the deployment is at work. */
  runs(deployment: Pick<Deployment, "number">): Promise<Deployment>;
  /** The run of the deployment ends. */
  ends(deployment: Pick<Deployment, "number">, outcome: Outcome, message?: string): Promise<Deployment>;
  runsOf(deployment: Pick<Deployment, "number">): Promise<RunEntry[]>;
  find(deployment: Pick<Deployment, "number">): Promise<Deployment>;
  /** All deployments of an environment, oldest first. */
  all(environment: string): Promise<Deployment[]>;
  /** Deploys and reports until the history is as written; see `live`. */
  past(environment: string, history: string): Promise<Deployment[]>;
}

interface RollBackHow {
  readonly by?: Context;
  readonly version?: string;
  readonly skipRolledBack?: boolean;
  readonly force?: Force;
}

let made = 0;

/** Makes a project of its own in the database, with the workflow `ship`. */
export async function deploymentScene(
  db: Database,
  overrides: Partial<Omit<Context, "db">> = {},
): Promise<DeploymentScene> {
  const clock = steppedClock("2026-03-02T10:00:00Z");
  const ctx = testContext(db, { now: () => clock.now, ...overrides });
  const key = `p${(made += 1)}-${newId(new Date()).slice(-8)}`;
  const project = await createProject(ctx, { key, name: key });
  await createWorkflow(ctx, {
    projectKey: key,
    draft: { name: "ship", provider: "command", target: "ship" },
  });
  const environment = async (name: string): Promise<Environment> => {
    const found = await findEnvironment(db, project.id, name);
    if (!found) throw new Error(`the scene has no environment ${name}`);
    return found;
  };
  const find = async ({ number }: Pick<Deployment, "number">): Promise<Deployment> => {
    const found = await findDeployment(db, number);
    if (!found) throw new Error(`the scene has no deployment ${number}`);
    return found;
  };
  const runs = ({ number }: Pick<Deployment, "number">): Promise<RunEntry[]> =>
    runsOf(db, { deploymentNumber: number, candidateId: null });
  const scene: DeploymentScene = {
    ctx,
    clock,
    project,
    environment,
    find,
    runsOf: runs,
    addEnvironment: (name, draft = {}) =>
      createEnvironment(ctx, { projectKey: key, draft: { name, workflow: "ship", ...draft } }),
    candidate: (version, buildStatus = "ready") => addCandidate(ctx, project, version, buildStatus),
    bareRelease: (version) => addBareRelease(ctx, project, version),
    deploy: (name, version, { by = ctx, force } = {}) =>
      createDeployment(by, { project: { key }, environment: name, version, force: force ?? null }),
    rollBack: (name, { by = ctx, version, skipRolledBack = false, force } = {}) =>
      rollBackEnvironment(by, {
        project: { key },
        environment: name,
        version: version ?? null,
        skipRolledBack,
        force: force ?? null,
      }),
    report: (name, version, status, message = "") =>
      reportDeployment(ctx, { project: { key }, environment: name, version, status, message }),
    cancel: (number, by = ctx) => cancelDeployment(by, number),
    async runs(deployment) {
      await inTransaction(ctx, (tx) => applyRunToDeployment(tx, deployment.number, "running", ""));
      return await find(deployment);
    },
    async ends(deployment, outcome, message = "") {
      const run = (await runs(deployment)).at(-1);
      if (!run) throw new Error(`deployment ${deployment.number} has no run`);
      await inTransaction(ctx, (tx) => endRun(tx, run, outcome, message));
      return await find(deployment);
    },
    all: async (name) => {
      const { id, lastDeployment } = await environment(name);
      return (await listBefore(db, id, lastDeployment + 1, 100_000)).toReversed();
    },
    async past(name, history) {
      for (const step of history.split(" ").filter((word) => word !== "")) await live(scene, name, step);
      return await scene.all(name);
    },
  };
  return scene;
}

async function addCandidate(
  ctx: Context,
  project: Project,
  version: string,
  buildStatus: BuildStatus,
): Promise<ReleaseCandidate> {
  const read = readCandidateVersion(version);
  if (!read) throw new Error(`${version} is no version of a candidate`);
  const now = ctx.now();
  const candidate = await inTransaction(ctx, async (tx) =>
    insertCandidate(tx.db, {
      id: newId(now),
      releaseId: await ensureRelease(tx.db, project.id, read.release, now),
      projectId: project.id,
      releaseVersion: read.release,
      version,
      number: read.number,
      commit: "0".repeat(40),
      buildStatus,
      buildError: "",
      createdBy: "somebody",
      createdByUserId: null,
      createdAt: now,
    }),
  );
  if (!candidate) throw new Error(`the scene has a candidate ${version} already`);
  return candidate;
}

async function addBareRelease(ctx: Context, project: Project, version: string): Promise<string> {
  const record = await prepareRelease(ctx, {
    projectKey: project.key,
    version,
    source: "manual",
    originalVersion: null,
    environmentName: "",
    production: false,
    description: "",
    labels: [],
    targetConnectionId: null,
    withReferrers: null,
    createdBy: "somebody",
    services: [],
  });
  const { id } = (await record(ctx)).content;
  const distribution = await findDistributionOf(ctx.db, id);
  await inTransaction(ctx, (tx) => finishDistribution(tx, distribution?.id ?? ""));
  return id;
}

/**
 * A step of a history: what became of the deployment of candidate `1.0-rc<number>`. S succeeded, F failed, E an error, X called
 * off after it began, C called off before it began, A still at work; R a rollback that succeeded, and has no number.
 */
async function live(scene: DeploymentScene, name: string, step: string): Promise<void> {
  const [kind, number] = [step.slice(0, 1), step.slice(1)];
  if (kind === "R") return void (await scene.ends(await scene.rollBack(name), "success"));
  const version = `1.0-rc${number}`;
  if (!(await findCandidate(scene.ctx.db, scene.project.id, version))) await scene.candidate(version);
  if (kind === "C") return await neverBegin(scene, name, version);
  const deployment = await scene.deploy(name, version);
  await scene.runs(deployment);
  const outcome = OUTCOMES[kind];
  if (outcome) await scene.ends(deployment, outcome, `${kind} of the history`);
}

const OUTCOMES: Readonly<Record<string, Outcome>> = {
  S: "success",
  F: "failure",
  E: "error",
  X: "canceled",
};

/** Called off before anybody began it: accepted while the environment had no workflow. */
async function neverBegin(scene: DeploymentScene, name: string, version: string): Promise<void> {
  const change = (workflow: string | null) =>
    changeEnvironment(scene.ctx, { projectKey: scene.project.key, name, change: { workflow } });
  await change(null);
  await scene.cancel((await scene.deploy(name, version)).number);
  await change("ship");
}
