import { maySee } from "../access/authorize.ts";
import { visibleProjects } from "../access/actor.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { lookAgainEverywhere } from "../deployments/look-again-everywhere.ts";
import { DomainError } from "../kernel/errors.ts";
import { projectOf, requireToFreeze } from "./create-freeze.ts";
import type { Freeze } from "./freeze.ts";
import { findFreeze, listFreezes as listAll, markLifted } from "./freeze-store.ts";

/** The freeze of this id or name. One about a project that the actor may not see is unknown. Throws FREEZE_NOT_FOUND. */
export async function getFreeze(ctx: Context, idOrName: string): Promise<Freeze> {
  const freeze = await findFreeze(ctx.db, idOrName);
  const projectId = freeze && projectOf(freeze.scope);
  if (!freeze || (projectId !== null && !maySee(ctx, projectId)))
    throw new DomainError("FREEZE_NOT_FOUND", `Unknown freeze ${idOrName}`);
  return freeze;
}

/** The freezes that were not lifted, of all projects that the actor may see. */
export const listFreezes = (ctx: Context): Promise<Freeze[]> => listAll(ctx.db, visibleProjects(ctx.actor));

/**
 * Ends a freeze for good; what waits behind it may start. Needs whoever may make it. Lifted twice is lifted once.
 * Throws FREEZE_NOT_FOUND, FORBIDDEN.
 */
export function liftFreeze(ctx: Context, idOrName: string): Promise<Freeze> {
  return inTransaction(ctx, async (tx) => {
    const freeze = await getFreeze(tx, idOrName);
    requireToFreeze(tx, freeze.scope);
    const [by, at] = [tx.actor.name, tx.now()];
    if (!(await markLifted(tx.db, freeze.id, { by, at }))) return freeze;
    const { scope } = freeze;
    await lookAgainEverywhere(tx, {
      projectId: projectOf(scope),
      tier: scope.level === "tier" ? scope.tier : null,
      environmentId: scope.level === "environment" ? scope.environmentId : null,
    });
    await recordEvent(tx, {
      kind: "freeze.lifted",
      projectId: projectOf(scope),
      subjectId: freeze.id,
      before: freeze,
    });
    return { ...freeze, liftedAt: at, liftedBy: by };
  });
}
