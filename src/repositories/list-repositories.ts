import type { Context } from "../context.ts";
import { cutNames, type NamePage, type NameRequest } from "./name-page.ts";
import { listRepositoryNames } from "./repository-store.ts";

/** The names of all repositories that the actor may see, in order. */
export async function listRepositories(ctx: Context, page: NameRequest): Promise<NamePage> {
  const projectIds = ctx.actor.systemAdmin ? null : Object.keys(ctx.actor.roles);
  const { last, limit } = page;
  return cutNames(await listRepositoryNames(ctx.db, projectIds, { last, limit: limit + 1 }), limit);
}
