import { visibleProjects } from "../access/actor.ts";
import type { Context } from "../context.ts";
import type { CursorPage, CursorRequest } from "../kernel/page.ts";
import type { Project } from "./project.ts";
import { listProjects as readProjects } from "./project-store.ts";

/** The projects that the actor may see, newest first. */
export const listProjects = (ctx: Context, page: CursorRequest): Promise<CursorPage<Project>> =>
  readProjects(ctx.db, visibleProjects(ctx.actor), page);
