import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

/** Keeps automation, and tokens without a user, from deploying again what an environment was rolled back from. */
export const Hold = z.object({
  id: Id,
  projectId: Id,
  environmentId: Id,
  version: z.string(),
  reason: z.string(),
  createdBy: z.string(),
  createdAt: Instant,
});
export type Hold = z.output<typeof Hold>;
