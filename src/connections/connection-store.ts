import { cutPage, type CursorPage, type CursorRequest } from "../kernel/page.ts";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import { olderThan } from "../storage/older-than.ts";
import type { Tables } from "../storage/tables.ts";
import { Connection } from "./connection.ts";

type Row = Tables["connections"];
type Shares = ReadonlyMap<string, Connection["projects"]>;

/** What a connection keeps besides its noun, sealed for the connection's id. */
export interface ConnectionSecret {
  readonly sealedPassword: string | null;
  /** What webhooks that come in are signed with. */
  readonly sealedWebhookSecret: string | null;
}

const { kind: Kind, provider: Provider, tokenHosts: TokenHosts } = Connection.shape;

const toConnection = (row: Row, shares: Shares): Connection => ({
  id: row.id,
  name: row.name,
  kind: Kind.parse(row.kind),
  host: row.host,
  namespace: row.namespace,
  provider: Provider.parse(row.provider),
  region: row.region,
  isDefault: row.is_default === 1,
  plainHttp: row.plain_http === 1,
  allowPrivate: row.allow_private === 1,
  caPem: row.ca_pem,
  username: row.username,
  hasPassword: row.sealed_password !== null,
  hasWebhookSecret: row.sealed_webhook_secret !== null,
  tokenHosts: TokenHosts.parse(JSON.parse(row.token_hosts_json)),
  allProjects: row.all_projects === 1,
  projects: shares.get(row.id) ?? [],
  builtIn: row.built_in === 1,
  createdAt: fromMillis(row.created_at),
  updatedAt: fromMillis(row.updated_at),
});

const toRow = (connection: Connection, secret: ConnectionSecret): Row => ({
  id: connection.id,
  name: connection.name,
  kind: connection.kind,
  host: connection.host,
  namespace: connection.namespace,
  provider: connection.provider,
  region: connection.region,
  is_default: Number(connection.isDefault),
  plain_http: Number(connection.plainHttp),
  allow_private: Number(connection.allowPrivate),
  ca_pem: connection.caPem,
  username: connection.username,
  sealed_password: secret.sealedPassword,
  token_hosts_json: JSON.stringify(connection.tokenHosts),
  all_projects: Number(connection.allProjects),
  built_in: Number(connection.builtIn),
  created_at: connection.createdAt.getTime(),
  updated_at: connection.updatedAt.getTime(),
  sealed_webhook_secret: secret.sealedWebhookSecret,
});

/** False when a connection has this name. */
export async function insertConnection(
  db: Database,
  connection: Connection,
  secret: ConnectionSecret,
): Promise<boolean> {
  const result = await db
    .insertInto("connections")
    .values(toRow(connection, secret))
    .onConflict((conflict) => conflict.column("name").doNothing())
    .executeTakeFirst();
  if (result.numInsertedOrUpdatedRows !== 1n) return false;
  await writeShares(db, connection);
  return true;
}

/** Writes everything but the id. The caller has made sure that the name is free. */
export async function updateConnection(
  db: Database,
  connection: Connection,
  secret: ConnectionSecret,
): Promise<void> {
  const { id, ...columns } = toRow(connection, secret);
  await db.updateTable("connections").set(columns).where("id", "=", id).execute();
  await db.deleteFrom("connection_projects").where("connection_id", "=", id).execute();
  await writeShares(db, connection);
}

async function writeShares(db: Database, connection: Connection): Promise<void> {
  if (connection.projects.length === 0) return;
  await db
    .insertInto("connection_projects")
    .values(connection.projects.map((project) => ({ connection_id: connection.id, project_id: project.id })))
    .execute();
}

/** Removes the connection and what was learnt through it. */
export async function deleteConnectionRow(db: Database, id: string): Promise<void> {
  await db.deleteFrom("connection_projects").where("connection_id", "=", id).execute();
  await db.deleteFrom("mount_sources").where("connection_id", "=", id).execute();
  await db.deleteFrom("connections").where("id", "=", id).execute();
}

/** The connection with this id or name. */
export async function findConnection(db: Database, idOrName: string): Promise<Connection | null> {
  const rows = await db
    .selectFrom("connections")
    .selectAll()
    .where((row) => row.or([row("id", "=", idOrName), row("name", "=", idOrName)]))
    .execute();
  return (await withShares(db, rows))[0] ?? null;
}

/** The names of these connections, by id. */
export async function namesOfConnections(
  db: Database,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  if (ids.length === 0) return new Map();
  const rows = await db
    .selectFrom("connections")
    .select(["id", "name"])
    .where("id", "in", [...ids])
    .execute();
  return new Map(rows.map(({ id, name }) => [id, name]));
}

export async function findSecret(db: Database, id: string): Promise<ConnectionSecret> {
  const row = await db
    .selectFrom("connections")
    .select(["sealed_password", "sealed_webhook_secret"])
    .where("id", "=", id)
    .executeTakeFirst();
  return {
    sealedPassword: row?.sealed_password ?? null,
    sealedWebhookSecret: row?.sealed_webhook_secret ?? null,
  };
}

/** The registry connections to this host, oldest first. */
export async function findConnectionsTo(db: Database, host: string): Promise<Connection[]> {
  const rows = await db
    .selectFrom("connections")
    .selectAll()
    .where("kind", "=", "registry")
    .where("host", "=", host)
    .orderBy("created_at")
    .orderBy("id")
    .execute();
  return await withShares(db, rows);
}

/** Every default but this one. */
export async function findOtherDefaults(db: Database, id: string): Promise<Connection[]> {
  const rows = await db
    .selectFrom("connections")
    .selectAll()
    .where("is_default", "=", 1)
    .where("id", "!=", id)
    .execute();
  return await withShares(db, rows);
}

export async function clearDefault(db: Database, id: string): Promise<void> {
  await db.updateTable("connections").set({ is_default: 0 }).where("id", "=", id).execute();
}

/** Keeps the token hosts, unless the connection leads to another host by now. */
export async function setTokenHosts(db: Database, connection: Connection): Promise<void> {
  await db
    .updateTable("connections")
    .set({ token_hosts_json: JSON.stringify(connection.tokenHosts) })
    .where("id", "=", connection.id)
    .where("host", "=", connection.host)
    .execute();
}

/** Connections newest first: those shared with one of these projects; `projectIds` null means all of them. */
export async function listConnections(
  db: Database,
  projectIds: readonly string[] | null,
  page: CursorRequest,
): Promise<CursorPage<Connection>> {
  const rows = await db
    .selectFrom("connections")
    .selectAll()
    .$if(projectIds !== null, (query) =>
      query.where((row) =>
        row.or([
          row(
            "id",
            "in",
            row
              .selectFrom("connection_projects")
              .select("connection_id")
              .where("project_id", "in", [...(projectIds ?? []), ""]),
          ),
          ...(projectIds?.length === 0 ? [] : [row("all_projects", "=", 1)]),
        ]),
      ),
    )
    .where(olderThan(page.after))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .execute();
  return cutPage(await withShares(db, rows), page.limit, (connection) => ({
    at: connection.createdAt.getTime(),
    id: connection.id,
  }));
}

/** How many releases that are not deleted read or write through the connection. */
export async function countReleasesUsing(db: Database, id: string): Promise<number> {
  const row = await db
    .selectFrom("release_contents as content")
    .where("content.deleted_at", "is", null)
    .where((row) =>
      row.or([
        row("content.target_connection_id", "=", id),
        row.exists(
          row
            .selectFrom("release_items as item")
            .select("item.id")
            .whereRef("item.content_id", "=", "content.id")
            .where((item) =>
              item.or([
                item("item.source_connection_id", "=", id),
                item("item.target_connection_id", "=", id),
              ]),
            ),
        ),
      ]),
    )
    .select(({ fn }) => fn.countAll<number | bigint>().as("count"))
    .executeTakeFirstOrThrow();
  return Number(row.count);
}

/** Which projects read their repository through the connection, and which have workflows that are started through it, by key. */
export async function projectsUsing(db: Database, id: string): Promise<string[]> {
  const rows = await db
    .selectFrom("projects as project")
    .select("project.key")
    .where((row) =>
      row.or([
        row("project.source_connection_id", "=", id),
        row.exists(
          row
            .selectFrom("workflows as workflow")
            .select("workflow.id")
            .whereRef("workflow.project_id", "=", "project.id")
            .where("workflow.connection_id", "=", id),
        ),
      ]),
    )
    .orderBy("project.key")
    .execute();
  return rows.map(({ key }) => key);
}

async function withShares(db: Database, rows: readonly Row[]): Promise<Connection[]> {
  if (rows.length === 0) return [];
  const shares = await db
    .selectFrom("connection_projects as share")
    .innerJoin("projects as project", "project.id", "share.project_id")
    .select(["share.connection_id", "project.id", "project.key"])
    .where(
      "share.connection_id",
      "in",
      rows.map((row) => row.id),
    )
    .orderBy("project.key")
    .execute();
  const byConnection = Map.groupBy(shares, (share) => share.connection_id);
  const projectsOf = new Map(
    [...byConnection].map(([id, group]) => [id, group.map((share) => ({ id: share.id, key: share.key }))]),
  );
  return rows.map((row) => toConnection(row, projectsOf));
}
