/** A place among those who may work at a time; give it back when done. */
export type Release = () => void;

/** Bounds how many callers hold a key at a time. */
export interface Slots {
  /** Waits for a place under every one of these keys. Rejects with the signal's reason when it is aborted first. */
  acquire(keys: readonly string[], signal?: AbortSignal): Promise<Release>;
}

interface Line {
  taken: number;
  readonly waiting: Set<() => void>;
}

/** Makes slots: at most `limit` holders per key, served in the order they came. */
export function createSlots(limit: number): Slots {
  const lines = new Map<string, Line>();

  function give(key: string, line: Line): void {
    const [next] = line.waiting;
    if (next) {
      line.waiting.delete(next);
      next();
      return;
    }
    line.taken -= 1;
    if (line.taken === 0) lines.delete(key);
  }

  function takeOne(key: string, signal: AbortSignal | undefined): Promise<Release> {
    const line = lines.get(key) ?? { taken: 0, waiting: new Set() };
    lines.set(key, line);
    const release = (): void => give(key, line);
    if (line.taken < limit) {
      line.taken += 1;
      return Promise.resolve(release);
    }
    return new Promise((resolve, reject) => {
      const turn = (): void => {
        signal?.removeEventListener("abort", leave);
        resolve(release);
      };
      const leave = (): void => {
        line.waiting.delete(turn);
        reject(signal?.reason);
      };
      line.waiting.add(turn);
      signal?.addEventListener("abort", leave, { once: true });
    });
  }

  return {
    acquire: async (keys, signal) => {
      signal?.throwIfAborted();
      const held: Release[] = [];
      const releaseAll = (): void => held.splice(0).forEach((release) => release());
      try {
        // Always in the same order: two callers can never wait for each other.
        for (const key of [...new Set(keys)].toSorted()) held.push(await takeOne(key, signal));
      } catch (error) {
        releaseAll();
        throw error;
      }
      return releaseAll;
    },
  };
}
