import * as z from "zod";
import { transferRate } from "../kernel/transfer-rate.ts";
import type { TaskRun } from "../tasks/task.ts";

/** The bytes of unfinished blobs: transient, shown as progress, counted for nothing. */
export interface MovingBytes {
  /** Bytes have passed; a negative count when a broken transfer starts over. */
  add(digest: string, count: number): void;
  /** The blob is verified, or its transfer has failed. */
  reset(digest: string): void;
}

/** What the copying task reports while it works. */
const CopyReport = z.object({
  movingBytes: z.int(),
  bytesPerSecond: z.int().nullable().default(null),
  /** What has passed of each unfinished blob, by digest. */
  blobs: z.record(z.string(), z.int()).default({}),
});
export type CopyReport = z.output<typeof CopyReport>;

const NOTHING_MOVES: CopyReport = { movingBytes: 0, bytesPerSecond: null, blobs: {} };

/** What a task's progress says; that nothing moves when it says nothing. */
const readCopyReport = (progress: unknown): CopyReport =>
  CopyReport.safeParse(progress).data ?? NOTHING_MOVES;

/** The same from a task's row. */
export const parseCopyReport = (json: string | null): CopyReport =>
  readCopyReport(json === null ? null : JSON.parse(json));

/** The figure in a task's progress; 0 when it has none. */
export const readMovingBytes = (progress: unknown): number => readCopyReport(progress).movingBytes;

const REPORT_MILLIS = 1_000;

/** Adds up numbers alone as bytes pass, for there are many of them; reports once a second while something moves. */
export function trackMovingBytes(task: Pick<TaskRun, "progress">): MovingBytes {
  const byDigest = new Map<string, number>();
  const rate = transferRate();
  let passedBytes = 0;
  let timer: NodeJS.Timeout | undefined;
  // What a run that was cut off reported last is over.
  task.progress(NOTHING_MOVES);
  const report = (): void => {
    rate.note(passedBytes);
    const movingBytes = byDigest.values().reduce((sum, bytes) => sum + bytes, 0);
    const bytesPerSecond = byDigest.size === 0 ? null : rate.bytesPerSecond();
    task.progress({ movingBytes, bytesPerSecond, blobs: Object.fromEntries(byDigest) } satisfies CopyReport);
  };
  return {
    add: (digest, count) => {
      if (!timer) {
        rate.note(passedBytes);
        timer = setInterval(report, REPORT_MILLIS);
      }
      byDigest.set(digest, Math.max((byDigest.get(digest) ?? 0) + count, 0));
      // What is sent once more passes twice; what is given up has passed all the same.
      passedBytes += Math.max(count, 0);
    },
    reset: (digest) => {
      if (!byDigest.delete(digest) || byDigest.size > 0) return;
      clearInterval(timer);
      timer = undefined;
      report();
    },
  };
}
