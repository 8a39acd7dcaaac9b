import { maySee } from "../access/authorize.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Deployment } from "./deployment.ts";
import { findDeployment } from "./deployment-store.ts";

/** The deployment of this number. One in a project that the actor may not see is unknown. Throws DEPLOYMENT_NOT_FOUND. */
export async function getDeployment(ctx: Context, number: number): Promise<Deployment> {
  const deployment = Number.isSafeInteger(number) ? await findDeployment(ctx.db, number) : null;
  if (!deployment || !maySee(ctx, deployment.projectId))
    throw new DomainError("DEPLOYMENT_NOT_FOUND", `Unknown deployment ${number}`);
  return deployment;
}
