import type { Context } from "../context.ts";
import { findProject } from "../projects/project-store.ts";
import { roleIn } from "./actor.ts";
import { covers, isFull, readScope } from "./api-token.ts";
import { findToken } from "./api-token-store.ts";
import { greatestRole, includes } from "./role.ts";

/** True when the actor's own token allows all that these scopes allow. Without a token nothing is cut. */
export async function tokenCovers(ctx: Context, scopes: readonly string[]): Promise<boolean> {
  const { tokenId } = ctx.actor;
  const held = tokenId === null ? ["full"] : ((await findToken(ctx.db, tokenId))?.scopes ?? []);
  return scopes.every((scope) => covers(held, scope));
}

/**
 * When a token that the actor makes must have ended; null: whenever. A token that is cut down by scopes is for a job, and
 * must not live on in others; one with full rights stands for its user, who may sign in again.
 */
export async function latestEnd(ctx: Context): Promise<Date | null> {
  const { tokenId } = ctx.actor;
  const own = tokenId === null ? null : await findToken(ctx.db, tokenId);
  return own === null || isFull(own.scopes) ? null : own.expiresAt;
}

/** True when the actor itself has every right that these scopes name. */
export async function holdsAll(ctx: Context, scopes: readonly string[]): Promise<boolean> {
  if (!(await tokenCovers(ctx, scopes))) return false;
  if (ctx.actor.systemAdmin || isFull(scopes)) return true;
  for (const scope of scopes) if (!(await holds(ctx, scope))) return false;
  return true;
}

async function holds(ctx: Context, scope: string): Promise<boolean> {
  const terms = readScope(scope);
  if (terms === null) return false;
  const role = terms.role ?? "releaser";
  if (terms.projectKey === null) return includes(greatestRole(Object.values(ctx.actor.roles)), role);
  const project = await findProject(ctx.db, terms.projectKey);
  return project !== null && includes(roleIn(ctx.actor, project.id), role);
}
