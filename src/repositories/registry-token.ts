import * as z from "zod";
import { RepositoryName } from "./repository.ts";

/** What a client may want to do in a repository, as registries name it. */
export const RegistryAction = z.enum(["pull", "push", "delete"]);
export type RegistryAction = z.output<typeof RegistryAction>;

/** What a registry token is good for. */
export const RegistryAccess = z.object({
  repositories: z.array(z.object({ name: RepositoryName, actions: z.array(RegistryAction) })),
  /** May list the repositories of the registry. */
  catalog: z.boolean(),
});
export type RegistryAccess = z.output<typeof RegistryAccess>;

/**
 * A short-lived credential for the registry inside, cut down to some repositories. It is not stored: it is the
 * api token that it was made with, sealed together with what it is good for and until when, so that a
 * revocation counts at once.
 */
export const RegistryToken = z.object({
  apiToken: z.string(),
  access: RegistryAccess,
  /** In milliseconds since 1970. */
  expiresAt: z.int(),
});
export type RegistryToken = z.output<typeof RegistryToken>;

export const REGISTRY_TOKEN_LIFETIME_SECONDS = 300;
/** What the text of every registry token begins with. */
export const REGISTRY_TOKEN_PREFIX = "hgr.";

/** So many repositories fit into one token. */
const MAX_REPOSITORIES = 16;

/** The actions of a scope; `*` stands for all of them, unknown ones are left out. */
const actionsOf = (text: string): RegistryAction[] =>
  RegistryAction.options.filter((action) => text === "*" || text.split(",").includes(action));

/**
 * Reads scopes such as `repository:shop/api:pull,push` and `registry:catalog:*`, one or several in a text
 * (distribution token specification, "Token scope documentation"). What it does not know gives no access.
 */
export function readScopes(texts: readonly string[]): RegistryAccess {
  const scopes = texts.flatMap((text) => text.split(" ")).map((scope) => scope.split(":"));
  const found = new Map<string, Set<RegistryAction>>();
  for (const [type, name = "", actions = "", ...rest] of scopes) {
    const known = type === "repository" && rest.length === 0 && RepositoryName.safeParse(name).success;
    if (!known || (!found.has(name) && found.size >= MAX_REPOSITORIES)) continue;
    found.set(name, new Set([...(found.get(name) ?? []), ...actionsOf(actions)]));
  }
  const repositories = [...found].map(([name, actions]) => ({ name, actions: [...actions] }));
  const catalog = scopes.some(([type, name]) => type === "registry" && name === "catalog");
  return { repositories, catalog };
}

/** Whether this access covers the action in the repository. */
export const allows = (access: RegistryAccess, repository: string, action: RegistryAction): boolean =>
  access.repositories.some(({ name, actions }) => name === repository && actions.includes(action));
