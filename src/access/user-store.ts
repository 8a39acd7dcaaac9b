import { cutPage, type CursorPage, type CursorRequest } from "../kernel/page.ts";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import { olderThan } from "../storage/older-than.ts";
import type { Tables } from "../storage/tables.ts";
import type { User } from "./user.ts";

const toUser = (row: Tables["users"]): User => ({
  id: row.id,
  name: row.name,
  systemAdmin: row.system_admin === 1,
  disabled: row.disabled === 1,
  hasPassword: row.password_hash !== null,
  createdAt: fromMillis(row.created_at),
});

/** False when a user has this name. */
export async function insertUser(db: Database, user: User, passwordHash: string | null): Promise<boolean> {
  const result = await db
    .insertInto("users")
    .values({
      id: user.id,
      name: user.name,
      password_hash: passwordHash,
      system_admin: Number(user.systemAdmin),
      disabled: Number(user.disabled),
      created_at: user.createdAt.getTime(),
    })
    .onConflict((conflict) => conflict.column("name").doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** Writes rights, and the password hash unless it is undefined. */
export async function updateUser(
  db: Database,
  user: User,
  passwordHash: string | null | undefined,
): Promise<void> {
  await db
    .updateTable("users")
    .set({
      system_admin: Number(user.systemAdmin),
      disabled: Number(user.disabled),
      ...(passwordHash === undefined ? {} : { password_hash: passwordHash }),
    })
    .where("id", "=", user.id)
    .execute();
}

/** The user with this id or name. */
export async function findUser(db: Database, idOrName: string): Promise<User | null> {
  const row = await db
    .selectFrom("users")
    .selectAll()
    .where((user) => user.or([user("id", "=", idOrName), user("name", "=", idOrName)]))
    .executeTakeFirst();
  return row ? toUser(row) : null;
}

export async function findPasswordHash(db: Database, userId: string): Promise<string | null> {
  const row = await db
    .selectFrom("users")
    .select("password_hash")
    .where("id", "=", userId)
    .executeTakeFirst();
  return row?.password_hash ?? null;
}

/** True when some person can sign in and manage users. */
export async function hasSystemAdmin(db: Database): Promise<boolean> {
  const row = await db
    .selectFrom("users")
    .select("id")
    .where("system_admin", "=", 1)
    .where("disabled", "=", 0)
    .where("password_hash", "is not", null)
    .executeTakeFirst();
  return row !== undefined;
}

/** All users, newest first. */
export async function listUsers(db: Database, page: CursorRequest): Promise<CursorPage<User>> {
  const rows = await db
    .selectFrom("users")
    .selectAll()
    .where(olderThan(page.after))
    .orderBy("created_at", "desc")
    .orderBy("id", "desc")
    .limit(page.limit + 1)
    .execute();
  return cutPage(rows.map(toUser), page.limit, (user) => ({ at: user.createdAt.getTime(), id: user.id }));
}
