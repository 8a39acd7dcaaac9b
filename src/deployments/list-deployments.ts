import type { Context } from "../context.ts";
import { getEnvironment } from "../environments/get-environment.ts";
import { cutPage, type CursorPage, type CursorRequest, type NumberedPage } from "../kernel/page.ts";
import { type ProjectRef, resolveProject } from "../projects/get-project.ts";
import type { Deployment, DeploymentStatus } from "./deployment.ts";
import { listBefore } from "./deployment-store.ts";

export interface ListDeployments {
  readonly project: ProjectRef;
  readonly environment: string;
}

/** A page of an environment's deployments, and how many there are in all. */
export interface DeploymentPage {
  readonly environmentName: string;
  readonly items: readonly Deployment[];
  readonly total: number;
}

/**
 * An environment's deployments by page number, newest first. They are numbered without gaps, so every page costs the same.
 * Needs a viewer. Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND.
 */
export async function listDeploymentsByNumber(
  ctx: Context,
  input: ListDeployments & { readonly page: NumberedPage },
): Promise<DeploymentPage> {
  const project = await resolveProject(ctx, input.project);
  const environment = await getEnvironment(ctx, project, input.environment);
  const { number, size } = input.page;
  const before = environment.lastDeployment + 1 - (number - 1) * size;
  return {
    environmentName: environment.name,
    items: before > 1 ? await listBefore(ctx.db, environment.id, before, size) : [],
    total: environment.lastDeployment,
  };
}

/** The same by cursor; with a status, those alone that have it by now. */
export async function listDeployments(
  ctx: Context,
  input: ListDeployments & { readonly status: DeploymentStatus | null; readonly page: CursorRequest },
): Promise<CursorPage<Deployment>> {
  const project = await resolveProject(ctx, input.project);
  const environment = await getEnvironment(ctx, project, input.environment);
  const { after, limit } = input.page;
  const before = after?.at ?? environment.lastDeployment + 1;
  const rows = await listBefore(ctx.db, environment.id, before, limit + 1, input.status);
  return cutPage(rows, limit, ({ environmentNumber, id }) => ({ at: environmentNumber, id }));
}
