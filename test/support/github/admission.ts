import { type Answer, NOT_FOUND, refusal } from "./answers.ts";
import { type Repository, repositoryOf, type World } from "./world.ts";

/** API versions that this GitHub speaks. */
const VERSIONS = new Set(["2022-11-28", "2026-03-10"]);

/** Who calls, and of which repository. */
export interface Caller {
  readonly method: string;
  /** The value of `Authorization`. */
  readonly authorization: string | undefined;
  readonly version: string;
  /** The repository that it names: `org/name`. */
  readonly repository: string;
  /** The path of the call below its repository. */
  readonly rest: string;
}

/** The token that a caller shows; null: anonymous. */
function tokenOf(authorization: string | undefined): string | null {
  const [, token] = /^(?:token|bearer) (.+)$/i.exec(authorization ?? "") ?? [];
  return token ?? null;
}

/** The refusal of a caller whom GitHub does not serve at all; null when it does. */
export function refuseCaller(world: World, { authorization, version }: Caller): Answer | null {
  if (!VERSIONS.has(version)) return refusal(400, `The specified API version ${version} is not supported.`);
  const token = tokenOf(authorization);
  return token === null || world.tokens.has(token) ? null : refusal(401, "Bad credentials");
}

/** The repository of a call, or the answer to a caller who may not see it or not do this: 404 for what is invisible. */
export function admit(world: World, caller: Caller): Repository | Answer {
  const { repository: name } = caller;
  const repository = repositoryOf(world, name);
  const token = tokenOf(caller.authorization);
  const access = token === null ? {} : (world.tokens.get(token) ?? {});
  const right = repository && access[repository.fullName];
  if (!repository || (!right && !repository.isPublic)) return NOT_FOUND;
  if (repository.fullName.toLowerCase() !== name.toLowerCase()) return moved(world, caller, repository);
  if (caller.method === "GET" || right === "write") return repository;
  return token === null
    ? refusal(401, "Requires authentication")
    : refusal(403, "Resource not accessible by personal access token");
}

/** Where a repository is that has been renamed: under its number. GitHub keeps the method of a write. */
function moved(world: World, { method, rest }: Caller, { id }: Repository): Answer {
  const location = `${world.base}/api/v3/repositories/${id}${rest}`;
  const { body } = refusal(301, "Moved Permanently");
  return { status: method === "GET" ? 301 : 307, body, headers: { location } };
}

/** The path of a call whose repository is named by its number, as it is with its name. */
export function namedPath(world: World, path: string): string {
  const [, id, rest = ""] = /^\/repositories\/(\d+)(\/.*)?$/.exec(path) ?? [];
  const repository = world.repositories.find((one) => String(one.id) === id);
  return repository ? `/repos/${repository.fullName}${rest}` : path;
}
