import * as z from "zod";
import { Id } from "../kernel/id.ts";
import type { TaskRequest } from "../tasks/task.ts";

/** What the copying task is told: ids, never names, for a name may come to mean another release. */
export const CopyPayload = z.object({ contentId: Id, distributionId: Id });
export type CopyPayload = z.output<typeof CopyPayload>;

export const COPY_DISTRIBUTION = { kind: "copy-distribution", version: 1 } as const;

/** The request for the work of one attempt at a distribution; at most one such task is under way. */
export const copyRequest = (payload: CopyPayload, attempt: number): TaskRequest => ({
  ...COPY_DISTRIBUTION,
  payload,
  key: `distribution:${payload.distributionId}:${attempt}`,
});
