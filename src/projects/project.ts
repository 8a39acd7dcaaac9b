import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

/** What users write for a project; also the first path part of its repositories in the registry inside. */
export const ProjectKey = z
  .string()
  // The pattern is not tried on what is too long: on mebibytes it would exhaust the stack.
  .max(63, { abort: true })
  .regex(
    /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/,
    "must be lower-case letters and digits, with single dots, dashes or underscores between them",
  );

/** Owns services, connections' shares and releases. */
export const Project = z.object({
  id: Id,
  key: ProjectKey,
  name: z.string().min(1).max(128),
  /** Releases take along what is attached to their images, unless they say otherwise. */
  withReferrers: z.boolean(),
  createdAt: Instant,
});
export type Project = z.output<typeof Project>;
