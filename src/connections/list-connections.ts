import { visibleProjects } from "../access/actor.ts";
import type { Context } from "../context.ts";
import type { CursorPage, CursorRequest } from "../kernel/page.ts";
import { asSeenBy, type Connection } from "./connection.ts";
import { listConnections as readConnections } from "./connection-store.ts";

/** The connections shared with projects that the actor may see, newest first; a system admin sees all. */
export async function listConnections(ctx: Context, page: CursorRequest): Promise<CursorPage<Connection>> {
  const visible = visibleProjects(ctx.actor);
  const { items, next } = await readConnections(ctx.db, visible, page);
  return { items: items.map((connection) => asSeenBy(connection, visible)), next };
}
