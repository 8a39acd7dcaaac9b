import { visibleProjects } from "../access/actor.ts";
import type { Context } from "../context.ts";
import { freezeStateAt } from "../environments/freeze-state.ts";
import { listFreezes } from "../environments/freeze-store.ts";
import type { Freeze, FrozenPlace } from "../environments/freeze.ts";
import { freezesByPlace } from "../environments/freezes-by-place.ts";
import { nextOpen } from "../environments/next-open.ts";
import type { CursorPage } from "../kernel/page.ts";
import { listProjectsByKey } from "../projects/project-store.ts";
import type { Project } from "../projects/project.ts";
import { listPlaces, type PlaceState } from "./matrix-store.ts";

export interface ReadMatrix {
  /** By key; null: all that the actor may see. One that it may not see is left out. */
  readonly projects: readonly string[] | null;
  /** The key of the last project of the page before; null: from the first on. */
  readonly after: string | null;
  readonly limit: number;
}

/** What keeps deployments from starting, and until when; `until` null: no end in sight. */
export interface Frozen {
  /** The names of the freezes. */
  readonly by: readonly string[];
  readonly until: Date | null;
}

/** A project and its environments in their order. */
export interface MatrixRow {
  readonly project: Project;
  readonly environments: readonly (PlaceState & { readonly frozen: Frozen | null })[];
}

/** What runs where, project by project in the order of their keys. Three statements, however many cells there are. */
export async function readMatrix(ctx: Context, asked: ReadMatrix): Promise<CursorPage<MatrixRow>> {
  const { projects: keys, after, limit } = asked;
  const ids = visibleProjects(ctx.actor);
  const found = await listProjectsByKey(ctx.db, { ids, keys, after, limit: limit + 1 });
  const projects = found.slice(0, limit);
  const projectIds = projects.map(({ id }) => id);
  const places = Map.groupBy(await listPlaces(ctx.db, projectIds), ({ projectId }) => projectId);
  const frozenAt = lookAtFreezes(await listFreezes(ctx.db, projectIds), ctx.now());
  const items = projects.map((project) => ({
    project,
    environments: (places.get(project.id) ?? []).map((place) => ({
      ...place,
      frozen: frozenAt({ projectId: project.id, tier: place.tier, environmentId: place.id }),
    })),
  }));
  return { items, next: found.length > limit ? (projects.at(-1)?.key ?? null) : null };
}

/** Most places share their freezes with others, and what the same freezes say is found out once. */
function lookAtFreezes(freezes: readonly Freeze[], at: Date): (place: FrozenPlace) => Frozen | null {
  const about = freezesByPlace(freezes);
  const known = new Map<string, Frozen | null>();
  return (place) => {
    const rules = about(place);
    if (rules.length === 0) return null;
    const key = rules.map(({ id }) => id).join();
    const last = known.get(key);
    if (last !== undefined) return last;
    const frozen = frozenBy(rules, place, at);
    known.set(key, frozen);
    return frozen;
  };
}

function frozenBy(rules: readonly Freeze[], place: FrozenPlace, at: Date): Frozen | null {
  const state = freezeStateAt(rules, place, at);
  if (state.state === "open") return null;
  const closing = [...state.by, ...state.missing.flatMap((missing) => missing.rules)];
  return { by: closing.map(({ name }) => name), until: nextOpen(rules, place, at) };
}
