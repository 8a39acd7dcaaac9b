import { requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { findDeployable } from "../deployments/deployable-store.ts";
import { lookAgainEverywhere } from "../deployments/look-again-everywhere.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { getProject } from "../projects/get-project.ts";
import { BadMark } from "./bad-mark.ts";
import { findMark, insertMark, liftMark } from "./bad-mark-store.ts";

export interface WhichVersion {
  readonly projectKey: string;
  readonly version: string;
}

/**
 * Marks a version bad: from now on it is neither deployed nor gone back to. Marked twice is marked once. Needs an approver.
 * Throws PROJECT_NOT_FOUND, RELEASE_NOT_FOUND, FORBIDDEN, INPUT_INVALID.
 */
export function markBad(ctx: Context, input: WhichVersion & { readonly reason: string }): Promise<BadMark> {
  const reason = parseInput(BadMark.shape.reason, input.reason);
  return inTransaction(ctx, async (tx) => {
    const project = await getProject(tx, input.projectKey);
    if (!(await findDeployable(tx.db, project.id, input.version)))
      throw new DomainError("RELEASE_NOT_FOUND", `Unknown version ${input.version}`);
    requireRole(tx, project.id, "approver");
    const now = tx.now();
    const mark: BadMark = {
      id: newId(now),
      projectId: project.id,
      version: input.version,
      reason,
      createdBy: tx.actor.name,
      createdAt: now,
    };
    if (!(await insertMark(tx.db, mark))) return (await findMark(tx.db, project.id, input.version)) ?? mark;
    await recordEvent(tx, {
      kind: "version.marked_bad",
      projectId: project.id,
      subjectId: mark.id,
      after: mark,
    });
    return mark;
  });
}

/** Takes the mark off again. Needs an approver. Throws PROJECT_NOT_FOUND, FORBIDDEN, MARK_NOT_FOUND. */
export function liftBadMark(ctx: Context, input: WhichVersion): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const project = await getProject(tx, input.projectKey);
    requireRole(tx, project.id, "approver");
    const mark = await findMark(tx.db, project.id, input.version);
    if (!mark || !(await liftMark(tx.db, mark.id, { by: tx.actor.name, at: tx.now() })))
      throw new DomainError("MARK_NOT_FOUND", `${input.version} is not marked bad`);
    await lookAgainEverywhere(tx, { projectId: project.id, tier: null, environmentId: null });
    await recordEvent(tx, {
      kind: "version.mark_lifted",
      projectId: project.id,
      subjectId: mark.id,
      before: mark,
    });
  });
}
