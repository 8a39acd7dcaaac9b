import { requireRole, requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { getProject } from "../projects/get-project.ts";
import type { Freeze, FreezeSchedule, FreezeScope } from "./freeze.ts";
import type { FreezeDraft, FreezePlace } from "./freeze-draft.ts";
import { insertFreeze } from "./freeze-store.ts";
import { getEnvironment } from "./get-environment.ts";

/**
 * Makes a freeze, in shape already. Needs an admin of the project that it is about; of all projects a system admin.
 * Throws PROJECT_NOT_FOUND, ENVIRONMENT_NOT_FOUND, FORBIDDEN, FREEZE_EXISTS.
 */
export function createFreeze(
  ctx: Context,
  draft: FreezeDraft,
  origin: Freeze["origin"] = "person",
): Promise<Freeze> {
  return inTransaction(ctx, async (tx) => {
    const scope = await scopeOf(tx, draft.place);
    requireToFreeze(tx, scope);
    const now = tx.now();
    const freeze: Freeze = {
      id: newId(now),
      name: draft.name,
      scope,
      effect: draft.effect,
      schedule: scheduleOf(draft.schedule, now),
      reason: draft.reason,
      ownerName: draft.ownerName ?? tx.actor.name,
      createdBy: tx.actor.name,
      createdAt: now,
      expiresAt: draft.expiresAt,
      bypass: draft.bypass,
      origin,
      liftedAt: null,
      liftedBy: null,
    };
    if (!(await insertFreeze(tx.db, freeze)))
      throw new DomainError("FREEZE_EXISTS", `A freeze named ${freeze.name} exists; lift it first`);
    await recordEvent(tx, {
      kind: "freeze.created",
      projectId: projectOf(scope),
      subjectId: freeze.id,
      after: freeze,
    });
    return freeze;
  });
}

async function scopeOf(
  tx: Context,
  { project: key, tier, environment: name }: FreezePlace,
): Promise<FreezeScope> {
  const project = key === null ? null : await getProject(tx, key);
  if (tier !== null) return { level: "tier", tier, projectId: project?.id ?? null };
  if (!project) return { level: "everything" };
  if (name === null) return { level: "project", projectId: project.id };
  const environment = await getEnvironment(tx, project, name);
  return { level: "environment", projectId: project.id, environmentId: environment.id };
}

const scheduleOf = (draft: FreezeDraft["schedule"], now: Date): FreezeSchedule =>
  draft.kind === "now" ? { kind: "now", startsAt: now } : draft;

/** The project that a freeze is about; null: all of them. */
export const projectOf = (scope: FreezeScope): string | null =>
  "projectId" in scope ? scope.projectId : null;

/** Throws FORBIDDEN unless the actor may freeze there. */
export function requireToFreeze(ctx: Context, scope: FreezeScope): void {
  const projectId = projectOf(scope);
  if (projectId === null) requireSystemAdmin(ctx);
  else requireRole(ctx, projectId, "admin");
}
