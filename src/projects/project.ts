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

/** `org/name`, as git hosts write it; deeper paths are allowed. */
export const RepositorySlug = z
  .string()
  .max(200, { abort: true })
  .regex(/^[A-Za-z0-9_][A-Za-z0-9_.-]*(?:\/[A-Za-z0-9_][A-Za-z0-9_.-]*){1,5}$/, "must be org/name")
  .refine((slug) => !slug.endsWith(".git"), "must not end in .git");

/** Owns services, connections' shares, environments and releases. */
export const Project = z.object({
  id: Id,
  key: ProjectKey,
  /** No other project has it: Aviator's paths are made of names. */
  name: z.string().min(1).max(128),
  /** Releases take along what is attached to their images, unless they say otherwise. */
  withReferrers: z.boolean(),
  /** How its repository is read; null: its candidates' commits cannot be looked up. */
  sourceConnectionId: Id.nullable(),
  repository: RepositorySlug.nullable(),
  /** What builds its candidates; null: they are ready at once. */
  buildWorkflowId: Id.nullable(),
  createdAt: Instant,
});
export type Project = z.output<typeof Project>;
