import type { Context } from "../context.ts";
import type { CursorPage, CursorRequest } from "../kernel/page.ts";
import { getProject } from "./get-project.ts";
import type { Service } from "./service.ts";
import { listServices as readServices } from "./service-store.ts";

/** A project's services, newest first. Throws PROJECT_NOT_FOUND. */
export async function listServices(
  ctx: Context,
  input: { readonly projectKey: string; readonly page: CursorRequest },
): Promise<CursorPage<Service>> {
  const project = await getProject(ctx, input.projectKey);
  return await readServices(ctx.db, project.id, input.page);
}
