import { requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { getProject } from "../projects/get-project.ts";
import type { Project } from "../projects/project.ts";
import {
  DEFAULT_REDEPLOY_AFTER_MINUTES,
  DEFAULT_TIME_LIMIT_MINUTES,
  type Environment,
  EnvironmentDraft,
} from "./environment.ts";
import { insertEnvironment, listEnvironments } from "./environment-store.ts";
import { settleEnvironment } from "./settle-environment.ts";

export interface CreateEnvironment {
  readonly projectKey: string;
  readonly draft: EnvironmentDraft;
}

/**
 * Makes an environment of a project. Needs its admin. Throws PROJECT_NOT_FOUND, FORBIDDEN, INPUT_INVALID, ENVIRONMENT_EXISTS,
 * ENVIRONMENT_NOT_FOUND (of the promotion), WORKFLOW_NOT_FOUND.
 */
export async function createEnvironment(ctx: Context, input: CreateEnvironment): Promise<Environment> {
  const draft = parseInput(EnvironmentDraft, input.draft);
  return await inTransaction(ctx, async (tx) => {
    const project = await getProject(tx, input.projectKey);
    requireRole(tx, project.id, "admin");
    const others = await listEnvironments(tx.db, project.id);
    const environment = await settleEnvironment(tx, blank(tx, project, others), draft);
    if (!(await insertEnvironment(tx.db, environment)))
      throw new DomainError(
        "ENVIRONMENT_EXISTS",
        `The project ${project.key} has an environment ${environment.name}`,
      );
    await recordEvent(tx, {
      kind: "environment.created",
      projectId: project.id,
      subjectId: environment.id,
      after: environment,
    });
    return environment;
  });
}

/** An environment about which nothing has been said: after all that are there. */
function blank(tx: Context, project: Project, others: readonly Environment[]): Environment {
  const now = tx.now();
  return {
    id: newId(now),
    projectId: project.id,
    name: "",
    tier: "development",
    position: Math.min(1000, Math.max(-1, ...others.map(({ position }) => position)) + 1),
    workflowId: null,
    concurrency: "queue",
    promotionFromId: null,
    autoDeploy: false,
    timeLimitMinutes: DEFAULT_TIME_LIMIT_MINUTES,
    redeployAfterMinutes: DEFAULT_REDEPLOY_AFTER_MINUTES,
    lastDeployment: 0,
    currentDeployment: null,
    createdAt: now,
    updatedAt: now,
  };
}
