import { requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { lookAgain } from "../deployments/start-queued-request.ts";
import { DomainError } from "../kernel/errors.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { getProject } from "../projects/get-project.ts";
import { lockProject } from "../projects/project-store.ts";
import { isUniqueViolation } from "../storage/unique-violation.ts";
import { type Environment, EnvironmentChange } from "./environment.ts";
import { updateEnvironment } from "./environment-store.ts";
import { getEnvironment } from "./get-environment.ts";
import { settleEnvironment } from "./settle-environment.ts";

export interface ChangeEnvironment {
  readonly projectKey: string;
  readonly name: string;
  readonly change: EnvironmentChange;
}

/**
 * Changes an environment; a new name shows in its past deployments too. Needs the project's admin.
 * Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND, FORBIDDEN, INPUT_INVALID, ENVIRONMENT_EXISTS, WORKFLOW_NOT_FOUND.
 */
export async function changeEnvironment(ctx: Context, input: ChangeEnvironment): Promise<Environment> {
  const change = parseInput(EnvironmentChange, input.change);
  return await inTransaction(ctx, async (tx) => {
    const project = await getProject(tx, input.projectKey);
    requireRole(tx, project.id, "admin");
    // Two promotion rules that are set at once must not close a circle.
    await lockProject(tx.db, project.id);
    const before = await getEnvironment(tx, project, input.name);
    const after = await settleEnvironment(tx, before, change);
    await updateEnvironment(tx.db, after).catch((error: unknown) => {
      if (!isUniqueViolation(error, "environments")) throw error;
      throw new DomainError(
        "ENVIRONMENT_EXISTS",
        `The project ${project.key} has an environment ${after.name}`,
      );
    });
    // What waits may have its turn under the new rules.
    await lookAgain(tx, after.id);
    await recordEvent(tx, {
      kind: "environment.changed",
      projectId: project.id,
      subjectId: after.id,
      before,
      after,
    });
    return after;
  });
}
