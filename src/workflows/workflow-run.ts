import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";
import { WorkflowProvider } from "./workflow.ts";

/**
 * The ledger of what was started outside: one entry for each attempt, written before anything is sent.
 *
 *   intended  to be started; nothing was sent. → sent; → ended when it is called off.
 *   sent      the request is on its way: from here on something may run. → started | accepted | refused | unclear;
 *             → intended when it certainly did not arrive. After a crash it counts as unclear.
 *   accepted  the provider took it and did not say which run it is. → started when that is found; → lost.
 *   unclear   nobody knows whether it arrived. → started when the run is found; → intended, to be sent again, only where the
 *             provider bears repetition or runs of the workflow show our id and none does; → lost.
 *   lost      not found for 60 s; still looked for. → started; → ended when no sign of life came within the time limit.
 *   started   the run is known. → ended.
 *   refused, ended   for ever.
 * Always: a run of the provider belongs to at most one entry. A run that a callback named is `provisional` until it was looked at.
 */
export const RunLedgerState = z.enum([
  "intended",
  "sent",
  "accepted",
  "unclear",
  "lost",
  "started",
  "refused",
  "ended",
]);
export type RunLedgerState = z.output<typeof RunLedgerState>;

export const RunPurpose = z.enum(["build", "deploy"]);
export type RunPurpose = z.output<typeof RunPurpose>;

/** One attempt to carry out a workflow. */
export const WorkflowRun = z.object({
  id: Id,
  projectId: Id,
  workflowId: Id,
  purpose: RunPurpose,
  deploymentNumber: z.int().nullable(),
  candidateId: Id.nullable(),
  attempt: z.int(),
  state: RunLedgerState,
  provider: WorkflowProvider,
  connectionId: Id.nullable(),
  repository: z.string().nullable(),
  target: z.string(),
  ref: z.string().nullable(),
  inputs: z.record(z.string(), z.string()),
  /** The provider's own id; null until it is known. */
  providerRun: z.string().nullable(),
  provisional: z.boolean(),
  providerAttempt: z.int(),
  url: z.string().nullable(),
  message: z.string(),
  intendedAt: Instant,
  sentAt: Instant.nullable(),
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
  /** The last sign of life. */
  seenAt: Instant,
  cancelAskedAt: Instant.nullable(),
});
export type WorkflowRun = z.output<typeof WorkflowRun>;

/** Nothing more will come of it. */
export const isOver = (state: RunLedgerState): boolean => state === "refused" || state === "ended";
