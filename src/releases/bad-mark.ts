import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

/** Somebody's word that a version must not be deployed any more. It is no state: lifting it leaves everything as it was. */
export const BadMark = z.object({
  id: Id,
  projectId: Id,
  version: z.string(),
  reason: z.string().min(1).max(1000),
  createdBy: z.string(),
  createdAt: Instant,
});
export type BadMark = z.output<typeof BadMark>;
