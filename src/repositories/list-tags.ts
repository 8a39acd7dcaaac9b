import type { Context } from "../context.ts";
import { cutNames, type NamePage, type NameRequest } from "./name-page.ts";
import { openRepository } from "./open-repository.ts";
import { listTagNames } from "./tag-store.ts";

/** The tags of a repository, in order without regard to case. Throws REPOSITORY_NOT_FOUND, FORBIDDEN. */
export async function listTags(
  ctx: Context,
  input: { readonly repository: string; readonly page: NameRequest },
): Promise<NamePage> {
  const { id } = await openRepository(ctx, input.repository, "viewer");
  const { last, limit } = input.page;
  return cutNames(await listTagNames(ctx.db, id, { last, limit: limit + 1 }), limit);
}
