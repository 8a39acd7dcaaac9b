import type { Context } from "../../../context.ts";
import { DomainError, isDomainError } from "../../../kernel/errors.ts";

/**
 * Zadig answers 403 for a project on which the caller has no rights, known or not. So do we, and thus tell nobody
 * which projects exist; only a system admin learns that a project is unknown.
 */
export async function hideUnknownProjects<T>(ctx: Context, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isDomainError(error, "PROJECT_NOT_FOUND") && !ctx.actor.systemAdmin)
      throw new DomainError("FORBIDDEN");
    throw error;
  }
}
