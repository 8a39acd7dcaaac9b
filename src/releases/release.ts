import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

/** The text that names a release: letters and digits of any script, `._+-` and blanks inside, 1 to 128 characters. */
export const Version = z
  .string()
  .min(1, "must not be empty")
  .max(128, "must have at most 128 characters")
  .regex(
    /^[\p{L}\p{M}\p{N}](?:[\p{L}\p{M}\p{N}._+ -]*[\p{L}\p{M}\p{N}._+-])?$/u,
    "must begin with a letter or digit and hold only letters, digits, dots, underscores, plus, dashes and blanks inside",
  );

/** How ready a release is; not the state of a copy, a build or a deployment. */
export const ReleaseStage = z.enum(["draft", "in_review", "approved", "published", "archived", "faulty"]);
export type ReleaseStage = z.output<typeof ReleaseStage>;

/** What is promised to users, one per project and version text; every API shows this same one. */
export const Release = z.object({
  id: Id,
  projectId: Id,
  version: Version,
  stage: ReleaseStage,
  createdAt: Instant,
});
export type Release = z.output<typeof Release>;
