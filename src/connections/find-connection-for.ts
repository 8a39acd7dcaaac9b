import type { Project } from "../projects/project.ts";
import type { Database } from "../storage/database.ts";
import { type Connection, coversRepository, isSharedWith, namespaceIn } from "./connection.ts";
import { findConnectionsTo } from "./connection-store.ts";

/** An image's place: its registry's host, and the repository's full name there. */
export interface RepositoryPlace {
  readonly host: string;
  readonly repository: string;
}

/**
 * Finds the registry connection through which a project reaches a repository: shared with it, to that host, and with
 * the longest namespace that holds the repository. Among equals one for the project alone wins, then the oldest.
 * The connections to a host are read once: many images of a version lie at the same.
 */
export function connectionFinder(
  db: Database,
  project: Pick<Project, "id" | "key">,
): (place: RepositoryPlace) => Promise<Connection | null> {
  const byHost = new Map<string, Promise<readonly Connection[]>>();
  return async ({ host, repository }) => {
    const candidates = byHost.get(host) ?? findConnectionsTo(db, host);
    byHost.set(host, candidates);
    const fit = (connection: Connection) =>
      isSharedWith(connection, project.id) && coversRepository(connection, project.key, repository);
    const rank = (connection: Connection) =>
      2 * namespaceIn(connection, project.key).length + (connection.allProjects ? 0 : 1);
    return (await candidates).filter(fit).toSorted((one, other) => rank(other) - rank(one))[0] ?? null;
  };
}
