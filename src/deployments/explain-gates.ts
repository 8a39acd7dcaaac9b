import type { Context } from "../context.ts";
import { inTransaction } from "../context.ts";
import { getEnvironment } from "../environments/get-environment.ts";
import { DomainError } from "../kernel/errors.ts";
import { type ProjectRef, resolveProject } from "../projects/get-project.ts";
import { findDeployable } from "./deployable-store.ts";
import { type GateReport, reportOn } from "./gate.ts";
import { gatesForCaller } from "./gates-for-caller.ts";

export interface ExplainGates {
  readonly project: ProjectRef;
  readonly environment: string;
  readonly version: string;
}

/**
 * Whether this version can go into this environment now, why not, and when it can: what asking for the deployment at this
 * moment would answer the same caller. Needs a viewer. Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND, RELEASE_NOT_FOUND.
 */
export function explainGates(ctx: Context, input: ExplainGates): Promise<GateReport> {
  return inTransaction(ctx, async (tx) => {
    const project = await resolveProject(tx, input.project);
    const environment = await getEnvironment(tx, project, input.environment);
    const target = await findDeployable(tx.db, project.id, input.version);
    if (!target) throw new DomainError("RELEASE_NOT_FOUND", `Unknown version ${input.version}`);
    const { gates, behind } = await gatesForCaller(tx, environment, target, "deploy");
    return reportOn(gates, behind);
  });
}
