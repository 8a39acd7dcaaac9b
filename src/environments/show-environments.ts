import type { Context } from "../context.ts";
import { findDeployments } from "../deployments/deployment-store.ts";
import { keysOfProjects } from "../projects/project-store.ts";
import { namesOfWorkflows } from "../workflows/workflow-store.ts";
import { namesOfEnvironments } from "./environment-store.ts";
import type { Environment } from "./environment.ts";

/** What an environment runs, and since when. */
export interface RunningVersion {
  /** Of the deployment that brought it. */
  readonly number: number;
  readonly version: string;
  readonly releaseVersion: string;
  readonly since: Date;
}

/** An environment with names where its record has ids. */
export interface ShownEnvironment extends Environment {
  readonly project: string;
  readonly workflow: string | null;
  readonly promotionFrom: string | null;
  /** Null: nothing that is known. */
  readonly current: RunningVersion | null;
}

/** Looks up what these environments refer to, for all at once. The caller has made sure that the actor may see them. */
export async function showEnvironments(
  ctx: Context,
  environments: readonly Environment[],
): Promise<ShownEnvironment[]> {
  const { db } = ctx;
  const idsOf = (pick: (environment: Environment) => string | null): string[] =>
    environments.flatMap((environment) => pick(environment) ?? []);
  const projects = await keysOfProjects(
    db,
    idsOf(({ projectId }) => projectId),
  );
  const workflows = await namesOfWorkflows(
    db,
    idsOf(({ workflowId }) => workflowId),
  );
  const others = await namesOfEnvironments(
    db,
    idsOf(({ promotionFromId }) => promotionFromId),
  );
  const running = await loadRunning(ctx, environments);
  return environments.map((environment) => ({
    ...environment,
    project: projects.get(environment.projectId) ?? "",
    workflow: workflows.get(environment.workflowId ?? "") ?? null,
    promotionFrom: others.get(environment.promotionFromId ?? "") ?? null,
    current: running.get(environment.currentDeployment ?? 0) ?? null,
  }));
}

async function loadRunning(
  ctx: Context,
  environments: readonly Environment[],
): Promise<ReadonlyMap<number, RunningVersion>> {
  const numbers = environments.flatMap(({ currentDeployment }) => currentDeployment ?? []);
  const deployments = await findDeployments(ctx.db, numbers);
  return new Map(
    deployments.map(({ number, version, releaseVersion, endedAt, requestedAt }) => [
      number,
      { number, version, releaseVersion, since: endedAt ?? requestedAt },
    ]),
  );
}
