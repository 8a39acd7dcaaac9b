import { requireSystemAdmin } from "../access/authorize.ts";
import type { Context } from "../context.ts";
import { getProject } from "../projects/get-project.ts";
import { SYSTEM_CHAIN } from "./event.ts";

/**
 * The chain of a project, which its viewers read; without a project the chain `system`, which system admins read.
 * Throws PROJECT_NOT_FOUND, FORBIDDEN.
 */
export async function readableChain(ctx: Context, projectKey: string | null): Promise<string> {
  if (projectKey !== null) return (await getProject(ctx, projectKey)).id;
  requireSystemAdmin(ctx);
  return SYSTEM_CHAIN;
}
