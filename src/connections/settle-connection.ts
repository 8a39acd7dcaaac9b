import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { findProject } from "../projects/project-store.ts";
import { checkCertificates } from "./check-certificates.ts";
import {
  BUILT_IN,
  type Connection,
  type ConnectionChange,
  type ConnectionKind,
  TOKEN_USER,
} from "./connection.ts";
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
  const sealedPassword = sealPassword(ctx, before, change);
  const username = userOf(last.kind, changed(change.username, last.username), sealedPassword);
  const sealedWebhookSecret = sealWebhookSecret(ctx, before, change);
  if ((username === null) !== (sealedPassword === null))
    throw new DomainError(
      "INPUT_INVALID",
      "username and password: give both, or neither for an anonymous registry",
    );
  const host = changed(change.host, last.host);
  return {
    secret: { sealedPassword, sealedWebhookSecret },
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
      hasWebhookSecret: sealedWebhookSecret !== null,
      tokenHosts: host === last.host ? last.tokenHosts : [],
      allProjects: changed(change.allProjects, last.allProjects),
      projects: change.projects ? await findProjects(ctx, change.projects) : last.projects,
      updatedAt: ctx.now(),
    },
  };
}

function checkChange(last: Connection, change: ConnectionChange): void {
  if (change.isDefault === true && last.kind !== "registry")
    throw new DomainError("INPUT_INVALID", "isDefault: only a registry can be the default");
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

/** Of a GitHub a token is enough. */
const userOf = (kind: ConnectionKind, username: string | null, sealed: string | null): string | null =>
  kind === "github" && sealed !== null ? (username ?? TOKEN_USER) : username;

function sealWebhookSecret(ctx: Context, before: SettledConnection, change: ConnectionChange): string | null {
  const { webhookSecret } = change;
  if (webhookSecret === undefined) return before.secret.sealedWebhookSecret;
  if (webhookSecret === null) return null;
  if (before.connection.kind !== "github")
    throw new DomainError("INPUT_INVALID", "webhookSecret: only a GitHub sends webhooks");
  return ctx.secrets.seal(webhookSecret, before.connection.id);
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
