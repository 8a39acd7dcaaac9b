import { setTimeout as delay } from "node:timers/promises";

/** A bell for one who waits; it also remembers a ring that nobody was waiting for. */
export interface Bell {
  readonly ring: () => void;
  /** Waits for a ring, at most so long. */
  readonly wait: (millis: number) => Promise<void>;
}

export function newBell(): Bell {
  let rung = false;
  let wake = (): void => undefined;
  return {
    ring: () => {
      rung = true;
      wake();
    },
    wait: async (millis) => {
      const timer = new AbortController();
      wake = () => timer.abort();
      if (!rung) await delay(millis, undefined, { signal: timer.signal }).catch(() => undefined);
      rung = false;
    },
  };
}
