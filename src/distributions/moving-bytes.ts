import * as z from "zod";
import type { TaskRun } from "../tasks/task.ts";

/** The bytes of unfinished blobs: transient, shown as progress, counted for nothing. */
export interface MovingBytes {
  add(digest: string, count: number): void;
  /** The blob is verified, or its transfer has failed. */
  reset(digest: string): void;
}

/** What the copying task reports while it works. */
const CopyProgress = z.object({ movingBytes: z.int() });

/** The figure in a task's progress; 0 when it has none. */
export const readMovingBytes = (progress: unknown): number =>
  CopyProgress.safeParse(progress).data?.movingBytes ?? 0;

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
