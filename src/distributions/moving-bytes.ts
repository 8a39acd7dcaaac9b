import type { TaskRun } from "../tasks/task.ts";

/** The bytes of unfinished blobs: transient, shown as progress, counted for nothing. */
export interface MovingBytes {
  add(digest: string, count: number): void;
  /** The blob is there, or its transfer begins anew. */
  reset(digest: string): void;
}

export function trackMovingBytes(task: TaskRun): MovingBytes {
  const byDigest = new Map<string, number>();
  const report = (): void => task.progress({ movingBytes: byDigest.values().reduce((sum, n) => sum + n, 0) });
  return {
    add: (digest, count) => {
      byDigest.set(digest, (byDigest.get(digest) ?? 0) + count);
      report();
    },
    reset: (digest) => {
      if (byDigest.delete(digest)) report();
    },
  };
}
