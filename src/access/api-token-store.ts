import { cutPage, type CursorPage, type CursorRequest } from "../kernel/page.ts";
import { fromMillis, toMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import { olderThan } from "../storage/older-than.ts";
import type { Tables } from "../storage/tables.ts";
import { ApiToken } from "./api-token.ts";
import { type HeldRole, Role } from "./role.ts";

type Row = Tables["api_tokens"] & { readonly user_name: string };

const toToken = (row: Row): ApiToken => ({
  id: row.id,
  userId: row.user_id,
  userName: row.user_name,
  name: row.name,
  scopes: ApiToken.shape.scopes.parse(JSON.parse(row.scopes_json)),
  expiresAt: fromMillis(row.expires_at),
  lastUsedAt: fromMillis(row.last_used_at),
  revokedAt: fromMillis(row.revoked_at),
  createdAt: fromMillis(row.created_at),
});

const tokensWithUser = (db: Database) =>
  db
    .selectFrom("api_tokens")
    .select((token) =>
      token
        .selectFrom("users")
        .select("users.name")
        .whereRef("users.id", "=", "api_tokens.user_id")
        .$asScalar()
        .$notNull()
        .as("user_name"),
    )
    .selectAll("api_tokens");

export async function insertToken(db: Database, token: ApiToken, secretHash: string): Promise<void> {
  await db
    .insertInto("api_tokens")
    .values({
      id: token.id,
      user_id: token.userId,
      name: token.name,
      secret_hash: secretHash,
      scopes_json: JSON.stringify(token.scopes),
      expires_at: toMillis(token.expiresAt),
      last_used_at: null,
      revoked_at: null,
      created_at: token.createdAt.getTime(),
    })
    .execute();
}

export async function findToken(db: Database, id: string): Promise<ApiToken | null> {
  const row = await tokensWithUser(db).where("id", "=", id).executeTakeFirst();
  return row ? toToken(row) : null;
}

/** A token with what it takes to believe it. */
export interface Credential {
  readonly token: ApiToken;
  readonly secretHash: string;
  readonly user: { readonly systemAdmin: boolean; readonly disabled: boolean };
  /** The roles that the user was given. */
  readonly roles: readonly HeldRole[];
}

/** In one statement, for every request begins with it. */
export async function findCredential(db: Database, id: string): Promise<Credential | null> {
  const rows = await db
    .selectFrom("api_tokens as token")
    .innerJoin("users as user", "user.id", "token.user_id")
    .leftJoin("project_roles as held", "held.user_id", "user.id")
    .selectAll("token")
    .select(["user.name as user_name", "user.system_admin", "user.disabled"])
    .select(["held.role", "held.project_id"])
    // A fourth table in the join would cost PostgreSQL more to plan than all of this costs to run.
    .select((of) =>
      of.selectFrom("projects").select("key").whereRef("projects.id", "=", "held.project_id").as("key"),
    )
    .where("token.id", "=", id)
    .execute();
  const [row] = rows;
  if (!row) return null;
  const user = { systemAdmin: row.system_admin === 1, disabled: row.disabled === 1 };
  const roles = rows.flatMap(({ role, project_id: projectId, key: projectKey }) =>
    role === null || projectId === null || projectKey === null
      ? []
      : [{ projectId, projectKey, role: Role.parse(role) }],
  );
  return { token: toToken(row), secretHash: row.secret_hash, user, roles };
}

/** Tokens newest first; `userId` null means everybody's. */
export async function listTokens(
  db: Database,
  userId: string | null,
  page: CursorRequest,
): Promise<CursorPage<ApiToken>> {
  const rows = await tokensWithUser(db)
    .$if(userId !== null, (query) => query.where("user_id", "=", userId ?? ""))
    .where(olderThan(page.after))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .execute();
  return cutPage(rows.map(toToken), page.limit, (token) => ({ at: token.createdAt.getTime(), id: token.id }));
}

/** False when it was revoked already. */
export async function markRevoked(db: Database, id: string, now: Date): Promise<boolean> {
  const result = await db
    .updateTable("api_tokens")
    .set({ revoked_at: now.getTime() })
    .where("id", "=", id)
    .where("revoked_at", "is", null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}

export async function markUsed(db: Database, id: string, now: Date): Promise<void> {
  await db.updateTable("api_tokens").set({ last_used_at: now.getTime() }).where("id", "=", id).execute();
}

/** Lets the user's tokens end at this moment at the latest, and removes those that ended before `now`. */
export async function retireTokens(db: Database, userId: string, now: Date, endsAt: Date): Promise<void> {
  await db
    .deleteFrom("api_tokens")
    .where("user_id", "=", userId)
    .where("expires_at", "<", now.getTime())
    .execute();
  await db
    .updateTable("api_tokens")
    .set({ expires_at: endsAt.getTime() })
    .where("user_id", "=", userId)
    .where((token) => token.or([token("expires_at", "is", null), token("expires_at", ">", endsAt.getTime())]))
    .execute();
}
