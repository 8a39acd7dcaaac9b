import type { GithubRun } from "./github-run.ts";

/** Values that are forgotten after a time, in milliseconds, and the oldest of them when there are too many. */
export interface Remembered<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
}

/** What is remembered of GitHub between calls, by all providers of a process. Losing it costs a call or two. */
export interface GithubMemory {
  /** By address of the API: servers that do not know how to answer a dispatch with its run. */
  readonly oldServers: Remembered<true>;
  /** By address of the repository. */
  readonly defaultBranches: Remembered<string>;
  /** By address of the run: what it was, and the tag of that answer. Reading it unchanged is free of GitHub's limit. */
  readonly runs: Remembered<{ readonly etag: string; readonly run: GithubRun }>;
}

const MINUTE = 60_000;

/** Makes an empty store of so many values. */
export function remembered<V>(lifetimeMillis: number, limit: number): Remembered<V> {
  const kept = new Map<string, { readonly value: V; readonly until: number }>();
  return {
    get: (key) => {
      const found = kept.get(key);
      return found && found.until > performance.now() ? found.value : undefined;
    },
    set: (key, value) => {
      kept.delete(key);
      kept.set(key, { value, until: performance.now() + lifetimeMillis });
      const [oldest] = kept.keys();
      if (kept.size > limit && oldest !== undefined) kept.delete(oldest);
    },
  };
}

/** Nothing is known yet. */
export const createGithubMemory = (): GithubMemory => ({
  oldServers: remembered(60 * MINUTE, 100),
  defaultBranches: remembered(MINUTE, 1000),
  runs: remembered(60 * MINUTE, 1000),
});
