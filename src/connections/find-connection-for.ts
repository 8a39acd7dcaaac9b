import { findProjectById } from "../projects/project-store.ts";
import type { Database } from "../storage/database.ts";
import { type Connection, coversRepository, isSharedWith, namespaceIn } from "./connection.ts";
import { findConnectionsTo } from "./connection-store.ts";

/** An image's place: its registry's host, and the repository's full name there. */
export interface RepositoryPlace {
  readonly host: string;
  readonly repository: string;
}

/**
 * The registry connection through which a project reaches a repository: shared with it, to that host, and with the
 * longest namespace that holds the repository. Among equals one for the project alone wins, then the oldest.
 */
export async function findConnectionFor(
  db: Database,
  projectId: string,
  place: RepositoryPlace,
): Promise<Connection | null> {
  const project = await findProjectById(db, projectId);
  if (!project) return null;
  const candidates = await findConnectionsTo(db, place.host);
  const fit = (connection: Connection) =>
    isSharedWith(connection, projectId) && coversRepository(connection, project.key, place.repository);
  const rank = (connection: Connection) =>
    2 * namespaceIn(connection, project.key).length + (connection.allProjects ? 0 : 1);
  return candidates.filter(fit).toSorted((one, other) => rank(other) - rank(one))[0] ?? null;
}
