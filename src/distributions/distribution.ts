import * as z from "zod";
import { Digest } from "../kernel/digest.ts";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

/**
 * Copying a release's items to a target.
 *
 * creating → success | failed | cancelled; failed → (retry) retrying → success | failed | cancelled.
 * It is `success` only when every item to push is verified at its target by digest; one failed item makes it
 * `failed`, after all the others were tried. Deleting the content cancels it. Nothing leaves success or cancelled.
 */
export const DistributionStatus = z.enum(["creating", "retrying", "success", "failed", "cancelled"]);
export type DistributionStatus = z.output<typeof DistributionStatus>;

/**
 * One copy: an item to its target.
 *
 * not_needed (nothing to push) stays so. waiting → pinned → copying → verified | failed | cancelled;
 * waiting → failed when it cannot be pinned; failed → (retry) waiting. Nothing leaves verified.
 */
export const StepStatus = z.enum([
  "not_needed",
  "waiting",
  "pinned",
  "copying",
  "verified",
  "failed",
  "cancelled",
]);
export type StepStatus = z.output<typeof StepStatus>;

export const DistributionStep = z.object({
  itemId: Id,
  status: StepStatus,
  error: z.string(),
  verifiedDigest: Digest.nullable(),
});
export type DistributionStep = z.output<typeof DistributionStep>;

export const Distribution = z.object({
  id: Id,
  contentId: Id,
  projectId: Id,
  status: DistributionStatus,
  error: z.string(),
  /** 1 at first, one more with each retry. */
  attempt: z.int(),
  taskId: Id,
  /** Over the unique blobs of all pinned items. */
  totalBytes: z.int(),
  /** Never falls. */
  verifiedBytes: z.int(),
  createdAt: Instant,
  endedAt: Instant.nullable(),
});
export type Distribution = z.output<typeof Distribution>;

export const FullDistribution = Distribution.extend({ steps: z.array(DistributionStep) });
export type FullDistribution = z.output<typeof FullDistribution>;

const RUNNING: ReadonlySet<DistributionStatus> = new Set(["creating", "retrying"]);
export const isRunning = (status: DistributionStatus): boolean => RUNNING.has(status);

/** The states of a step that is still to be carried out. */
export const OPEN_STEPS: readonly StepStatus[] = ["waiting", "pinned", "copying"];
export const isOpen = (status: StepStatus): boolean => OPEN_STEPS.includes(status);

/** How many of the items to push are verified, and how many there are. */
export function countSteps(steps: readonly Pick<DistributionStep, "status">[]): {
  readonly verified: number;
  readonly total: number;
} {
  const needed = steps.filter((step) => step.status !== "not_needed");
  return { verified: needed.filter((step) => step.status === "verified").length, total: needed.length };
}
