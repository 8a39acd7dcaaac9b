import { visibleProjects } from "../access/actor.ts";
import { type Connection, isSharedWith, isVisibleTo } from "../connections/connection.ts";
import { findConnection } from "../connections/connection-store.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Project } from "../projects/project.ts";
import { addressOf } from "./push-target.ts";

/**
 * The connection that images are pushed through. One that the actor may not see is unknown: its address is nobody
 * else's to learn. Throws CONNECTION_NOT_FOUND, CONNECTION_NOT_SHARED.
 */
export async function findTargetConnection(
  tx: Context,
  project: Project,
  idOrName: string | null,
): Promise<Connection | null> {
  if (idOrName === null) return null;
  const connection = await findConnection(tx.db, idOrName);
  if (connection?.kind !== "registry" || !isVisibleTo(connection, visibleProjects(tx.actor)))
    throw new DomainError("CONNECTION_NOT_FOUND", `can not find target registry ${idOrName}`);
  if (!isSharedWith(connection, project.id))
    throw new DomainError(
      "CONNECTION_NOT_SHARED",
      `registry ${addressOf(connection, project)} not support project ${project.key}`,
    );
  return connection;
}
