import type { SourceTarget } from "../source-host.ts";
import { fetchInBounds, type MirrorState, type MirrorTools } from "./fetch-in-bounds.ts";
import type { FetchOutcome } from "./fetch-mirror.ts";
import { createFetchTurns, type FetchTurns } from "./fetch-turns.ts";
import { findCommit, type Found } from "./find-commit.ts";
import { LOCAL_ENVIRONMENT } from "./git-environment.ts";
import { isThere, markUsed, type MirrorPlace } from "./mirror-place.ts";
import { RepositoryGoneError, runGit } from "./run-git.ts";

/** One repository's mirror, as this process uses it. */
export interface Mirror {
  /** Looks without asking the host. Throws DamagedMirrorError. */
  look(prefix: string, signal: AbortSignal): Promise<Found>;
  /** What is there is not trusted any more: the next fetch begins anew. */
  distrust(): void;
  /** Password and certificates may change while the mirror stays. */
  use(target: SourceTarget): void;
  readonly turns: FetchTurns<FetchOutcome>;
}

function noneIfGone(error: unknown): Found {
  if (error instanceof RepositoryGoneError) return { kind: "none" };
  throw error;
}

/** Makes the mirror of a place known to this process; nothing is fetched yet. */
export function openMirror(place: MirrorPlace, target: SourceTarget, tools: MirrorTools): Mirror {
  const state: MirrorState = { place, tools, target, suspect: false, tooLarge: null };
  return {
    use: (latest) => void (state.target = latest),
    distrust: () => void (state.suspect = true),
    turns: createFetchTurns((tell) => fetchInBounds(state, tell)),
    look: async (prefix, signal) => {
      if (!(await isThere(place))) return { kind: "none" };
      await markUsed(place);
      const { repository } = place;
      const call = { program: tools.program, repository, environment: LOCAL_ENVIRONMENT, signal };
      return findCommit((args, input = "") => runGit({ ...call, args, input }), prefix).catch(noneIfGone);
    },
  };
}
