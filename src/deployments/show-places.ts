import type { Context } from "../context.ts";
import { namesOfEnvironments } from "../environments/environment-store.ts";
import { keysOfProjects } from "../projects/project-store.ts";

/** Something of an environment, with names where its record has ids. */
export type InPlace<Item> = Item & {
  readonly project: string;
  readonly environment: string;
};

/** Names the places of deployments or holds, for all at once. The caller has made sure that the actor may see them. */
export async function showPlaces<Item extends { readonly projectId: string; readonly environmentId: string }>(
  ctx: Context,
  items: readonly Item[],
): Promise<InPlace<Item>[]> {
  const projects = await keysOfProjects(
    ctx.db,
    items.map(({ projectId }) => projectId),
  );
  const environments = await namesOfEnvironments(
    ctx.db,
    items.map(({ environmentId }) => environmentId),
  );
  return items.map((item) => ({
    ...item,
    project: projects.get(item.projectId) ?? "",
    environment: environments.get(item.environmentId) ?? "",
  }));
}
