import type { Context } from "../context.ts";
import { keysOfProjects } from "../projects/project-store.ts";
import { projectOf } from "./create-freeze.ts";
import { namesOfEnvironments } from "./environment-store.ts";
import type { FreezePlace } from "./freeze-draft.ts";
import { isActive } from "./freeze-windows.ts";
import { type Freeze, isInForce, type ScopeLevel } from "./freeze.ts";

/** A freeze with names where its record has ids, and how it is at this moment. */
export interface ShownFreeze extends Freeze {
  readonly level: ScopeLevel;
  readonly place: FreezePlace;
  readonly isActive: boolean;
}

/** Names the places of freezes, for all at once. The caller has made sure that the actor may see them. */
export async function showFreezes(ctx: Context, freezes: readonly Freeze[]): Promise<ShownFreeze[]> {
  const projects = await keysOfProjects(
    ctx.db,
    freezes.flatMap(({ scope }) => projectOf(scope) ?? []),
  );
  const environments = await namesOfEnvironments(
    ctx.db,
    freezes.flatMap(({ scope }) => (scope.level === "environment" ? scope.environmentId : [])),
  );
  const at = ctx.now();
  return freezes.map((freeze) => ({
    ...freeze,
    level: freeze.scope.level,
    place: {
      project: projects.get(projectOf(freeze.scope) ?? "") ?? null,
      tier: freeze.scope.level === "tier" ? freeze.scope.tier : null,
      environment:
        freeze.scope.level === "environment" ? (environments.get(freeze.scope.environmentId) ?? null) : null,
    },
    isActive: isInForce(freeze, at) && isActive(freeze, at),
  }));
}
