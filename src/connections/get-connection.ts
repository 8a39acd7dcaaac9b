import { visibleProjects } from "../access/actor.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { asSeenBy, type Connection, isVisibleTo } from "./connection.ts";
import { findConnection } from "./connection-store.ts";

/** The connection with this id or name. One shared with none of the actor's projects is unknown. Throws CONNECTION_NOT_FOUND. */
export async function getConnection(ctx: Context, idOrName: string): Promise<Connection> {
  const connection = await findConnection(ctx.db, idOrName);
  const visible = visibleProjects(ctx.actor);
  if (!connection || !isVisibleTo(connection, visible))
    throw new DomainError("CONNECTION_NOT_FOUND", `Unknown connection ${idOrName}`);
  return asSeenBy(connection, visible);
}
