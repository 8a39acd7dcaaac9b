import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

export const ServiceName = z
  .string()
  .max(128)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    "must be letters, digits, dots, dashes, underscores, and begin with a letter or digit",
  );

/** A deployable part of a project. */
export const Service = z.object({ id: Id, projectId: Id, name: ServiceName, createdAt: Instant });
export type Service = z.output<typeof Service>;
