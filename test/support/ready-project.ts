import type { Context } from "../../src/context.ts";
import { createDeployment } from "../../src/deployments/create-deployment.ts";
import type { Deployment } from "../../src/deployments/deployment.ts";
import { createEnvironment } from "../../src/environments/create-environment.ts";
import type { Environment, EnvironmentDraft } from "../../src/environments/environment.ts";
import { newId } from "../../src/kernel/id.ts";
import { createProject } from "../../src/projects/create-project.ts";
import type { Project } from "../../src/projects/project.ts";
import { insertCandidate } from "../../src/releases/release-candidate-store.ts";
import { ensureRelease } from "../../src/releases/release-store.ts";
import { createWorkflow } from "../../src/workflows/create-workflow.ts";
import { type RunEntry, runsOf } from "../../src/workflows/workflow-run-store.ts";

/** A project whose environment `prod` is deployed to by a program. No task runs, so what is asked for stays so. */
export interface ReadyProject {
  readonly project: Project;
  readonly prod: Environment;
  /** A candidate of this number of the release 1.0 that is ready. */
  readonly candidate: (number: number) => Promise<string>;
  readonly deploy: (version: string) => Promise<Deployment>;
  /** The newest run of a deployment. */
  readonly runOf: (deployment: Pick<Deployment, "number">) => Promise<RunEntry>;
}

export async function readyProject(
  ctx: Context,
  key: string,
  terms: Partial<EnvironmentDraft> = {},
): Promise<ReadyProject> {
  const project = await createProject(ctx, { key, name: key });
  const draft = { name: "deploy", provider: "command", target: "deploy" } as const;
  await createWorkflow(ctx, { projectKey: key, draft });
  const prod = await createEnvironment(ctx, {
    projectKey: key,
    draft: { name: "prod", workflow: "deploy", ...terms },
  });
  return {
    project,
    prod,
    candidate: async (number) => {
      const now = ctx.now();
      const version = `1.0-rc${number}`;
      await insertCandidate(ctx.db, {
        id: newId(now),
        releaseId: await ensureRelease(ctx.db, project.id, "1.0", now),
        projectId: project.id,
        releaseVersion: "1.0",
        version,
        number,
        commit: "0123456789abcdef0123456789abcdef01234567",
        buildStatus: "ready",
        buildError: "",
        createdBy: "somebody",
        createdByUserId: null,
        createdAt: now,
      });
      return version;
    },
    deploy: (version) =>
      createDeployment(ctx, { project: { key }, environment: "prod", version, force: null }),
    runOf: async ({ number }) => {
      const run = (await runsOf(ctx.db, { deploymentNumber: number, candidateId: null })).at(-1);
      if (!run) throw new Error(`deployment ${number} has no run`);
      return run;
    },
  };
}
