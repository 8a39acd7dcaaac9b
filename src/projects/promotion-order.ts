import type { Environment } from "../environments/environment.ts";
import { DomainError } from "../kernel/errors.ts";
import type { ConfiguredEnvironment } from "./configuration.ts";

/**
 * The entries, each after the environment from which versions shall come to it, so that no step on the way closes a circle
 * that the whole does not have. Throws INPUT_INVALID when the whole has one.
 */
export function promotionOrder(
  projectKey: string,
  entries: readonly ConfiguredEnvironment[],
  known: readonly Environment[],
): ConfiguredEnvironment[] {
  const from = new Map<string, string | null>();
  for (const { name, promotionFromId } of known)
    from.set(name, known.find(({ id }) => id === promotionFromId)?.name ?? null);
  for (const { name, promotionFrom } of entries)
    from.set(name, promotionFrom === undefined ? (from.get(name) ?? null) : promotionFrom);
  const depths = new Map(entries.map(({ name }) => [name, depthOf(projectKey, name, from)]));
  return entries.toSorted((one, other) => (depths.get(one.name) ?? 0) - (depths.get(other.name) ?? 0));
}

/** How many environments a version must have succeeded in before. */
function depthOf(projectKey: string, name: string, from: ReadonlyMap<string, string | null>): number {
  const passed = new Set<string>();
  for (let at = from.get(name) ?? null; at !== null; at = from.get(at) ?? null) {
    if (at === name)
      throw new DomainError(
        "INPUT_INVALID",
        `environment ${projectKey}/${name}: promotionFrom: versions would have to come to ${name} from itself`,
      );
    if (passed.has(at)) break;
    passed.add(at);
  }
  return passed.size;
}
