import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

/**
 * The full name of a repository, project key first: `shop/api` (OCI distribution spec 1.1, "Pulling manifests";
 * the length is what clients agree on).
 */
export const RepositoryName = z
  .string()
  // The pattern is not tried on what is too long: on mebibytes it would exhaust the stack.
  .max(255, { error: "must have 255 characters at most", abort: true })
  .regex(
    /^[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:[.]|_|__|-+)[a-z0-9]+)*)*$/,
    "must be lower-case letters and digits, with single dots, dashes, underscores and slashes between them",
  );

/** The name of a tag (OCI distribution spec 1.1, "Pulling manifests"). */
export const Tag = z
  .string()
  .regex(
    /^[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}$/,
    "must be 1 to 128 letters, digits, dots, dashes or underscores, not beginning with a dot or dash",
  );

/** A repository of the registry inside; it belongs to the project that its first path part names. */
export const Repository = z.object({
  id: Id,
  projectId: Id,
  name: RepositoryName,
  createdAt: Instant,
});
export type Repository = z.output<typeof Repository>;

/** The key of the project that a repository of this name belongs to. */
export const projectKeyOf = (name: string): string => name.split("/", 1)[0] ?? "";
