import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { mayReport, roleIn } from "./actor.ts";
import { includes, type Role } from "./role.ts";

/** Throws FORBIDDEN unless the actor has this role in the project. Decide on the loaded record's own project. */
export function requireRole(ctx: Context, projectId: string, needed: Role): void {
  if (!includes(roleIn(ctx.actor, projectId), needed))
    throw new DomainError("FORBIDDEN", `This needs the role ${needed} in the project`, { needed });
}

/** True when the actor may see the project at all; what it may not see is answered as unknown. */
export const maySee = (ctx: Context, projectId: string): boolean =>
  includes(roleIn(ctx.actor, projectId), "viewer");

/** Throws FORBIDDEN unless the actor may say how deployments are in the project. */
export function requireToReport(ctx: Context, projectId: string): void {
  if (!mayReport(ctx.actor, projectId))
    throw new DomainError("FORBIDDEN", "This needs the role releaser in the project, or a token to report", {
      needed: "releaser",
    });
}

/** True when the actor may say how deployments are in the project; whoever may not need not know that they are there. */
export const maySeeReports = (ctx: Context, projectId: string): boolean => mayReport(ctx.actor, projectId);

/** Throws FORBIDDEN unless the actor is a system admin. */
export function requireSystemAdmin(ctx: Context): void {
  if (!ctx.actor.systemAdmin) throw new DomainError("FORBIDDEN", "This needs a system admin");
}
