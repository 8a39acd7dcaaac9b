import type { Database } from "../storage/database.ts";

/** The value of a setting; where there is none, `make`s one and keeps it. Of two at once, the first one's stays. */
export async function findOrKeepSetting(db: Database, name: string, make: () => string): Promise<string> {
  const read = () => db.selectFrom("settings").select("value").where("name", "=", name);
  const found = await read().executeTakeFirst();
  if (found) return found.value;
  await db
    .insertInto("settings")
    .values({ name, value: make() })
    .onConflict((conflict) => conflict.column("name").doNothing())
    .execute();
  const { value } = await read().executeTakeFirstOrThrow();
  return value;
}
