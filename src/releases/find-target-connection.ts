import { type Connection, isSharedWith } from "../connections/connection.ts";
import { findConnection } from "../connections/connection-store.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Project } from "../projects/project.ts";
import { addressOf } from "./push-target.ts";

/** The connection that images are pushed through. Throws CONNECTION_NOT_FOUND, CONNECTION_NOT_SHARED. */
export async function findTargetConnection(
  tx: Context,
  project: Project,
  idOrName: string | null,
): Promise<Connection | null> {
  if (idOrName === null) return null;
  const connection = await findConnection(tx.db, idOrName);
  if (!connection) throw new DomainError("CONNECTION_NOT_FOUND", `can not find target registry ${idOrName}`);
  if (!isSharedWith(connection, project.id))
    throw new DomainError(
      "CONNECTION_NOT_SHARED",
      `registry ${addressOf(connection, project)} not support project ${project.key}`,
    );
  return connection;
}
