import type { Context } from "../context.ts";
import { findEnvironmentById } from "../environments/environment-store.ts";
import type { FreezePlace } from "../environments/freeze-draft.ts";
import type { FreezeScope } from "../environments/freeze.ts";
import { findProjectById } from "./project-store.ts";

/** Where a freeze holds, by names. */
export async function placeOf(tx: Context, scope: FreezeScope): Promise<FreezePlace> {
  const projectId = "projectId" in scope ? scope.projectId : null;
  const project = projectId === null ? null : await findProjectById(tx.db, projectId);
  const environment =
    scope.level === "environment" ? await findEnvironmentById(tx.db, scope.environmentId) : null;
  return {
    project: project?.key ?? null,
    tier: scope.level === "tier" ? scope.tier : null,
    environment: environment?.name ?? null,
  };
}

/** The same in words: `everything`, `project shop`, `tier production of shop`, `environment shop/prod`. */
export function placeText({ project, tier, environment }: FreezePlace): string {
  if (environment !== null) return `environment ${project}/${environment}`;
  if (tier !== null) return `tier ${tier}${project === null ? "" : ` of ${project}`}`;
  return project === null ? "everything" : `project ${project}`;
}
