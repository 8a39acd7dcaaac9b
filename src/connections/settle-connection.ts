import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { findProject } from "../projects/project-store.ts";
import { checkCertificates } from "./check-certificates.ts";
import { BUILT_IN, type Connection, type ConnectionChange } from "./connection.ts";
import type { ConnectionSecret } from "./connection-store.ts";

/** A connection together with what must not leave the program. */
export interface SettledConnection {
  readonly connection: Connection;
  readonly secret: ConnectionSecret;
}

const changed = <T>(next: T | undefined, last: T): T => (next === undefined ? last : next);

/**
 * The connection as it will be: the change over what was, checked as a whole, the password sealed.
 * Throws INPUT_INVALID, PROJECT_NOT_FOUND.
 */
export async function settleConnection(
  ctx: Context,
  before: SettledConnection,
  change: ConnectionChange,
): Promise<SettledConnection> {
  const last = before.connection;
  checkChange(last, change);
  const username = changed(change.username, last.username);
  const sealedPassword = sealPassword(ctx, before, change);
  if ((username === null) !== (sealedPassword === null))
    throw new DomainError(
      "INPUT_INVALID",
      "username and password: give both, or neither for an anonymous registry",
    );
  const host = changed(change.host, last.host);
  return {
    secret: { sealedPassword },
    connection: {
      ...last,
      name: changed(change.name, last.name),
      host,
      namespace: changed(change.namespace, last.namespace),
      provider: changed(change.provider, last.provider),
      region: changed(change.region, last.region),
      isDefault: changed(change.isDefault, last.isDefault),
      plainHttp: changed(change.plainHttp, last.plainHttp),
      allowPrivate: changed(change.allowPrivate, last.allowPrivate),
      caPem: changed(change.caPem, last.caPem),
      username,
      hasPassword: sealedPassword !== null,
      tokenHosts: host === last.host ? last.tokenHosts : [],
      allProjects: changed(change.allProjects, last.allProjects),
      projects: change.projects ? await findProjects(ctx, change.projects) : last.projects,
      updatedAt: ctx.now(),
    },
  };
}

function checkChange(last: Connection, change: ConnectionChange): void {
  if (change.name === BUILT_IN)
    throw new DomainError("INPUT_INVALID", `name: ${BUILT_IN} is the connection to the registry inside`);
  if (change.caPem) checkCertificates(change.caPem);
  // Whoever holds an admin's token must not be able to have a stored password sent somewhere else.
  const elsewhere = change.host !== undefined && change.host !== last.host;
  const inTheOpen = change.plainHttp === true && !last.plainHttp;
  if (last.hasPassword && change.password === undefined && (elsewhere || inTheOpen))
    throw new DomainError(
      "INPUT_INVALID",
      "password: give it again when host changes or plainHttp is turned on",
    );
}

function sealPassword(ctx: Context, before: SettledConnection, change: ConnectionChange): string | null {
  if (change.username === null && change.password === undefined) return null;
  if (change.password === undefined) return before.secret.sealedPassword;
  return change.password === null ? null : ctx.secrets.seal(change.password, before.connection.id);
}

async function findProjects(ctx: Context, keys: readonly string[]): Promise<Connection["projects"]> {
  const projects = new Map<string, Connection["projects"][number]>();
  for (const key of keys) {
    const project = await findProject(ctx.db, key);
    if (!project) throw new DomainError("PROJECT_NOT_FOUND", `Unknown project ${key}`);
    projects.set(project.id, { id: project.id, key });
  }
  return [...projects.values()];
}
