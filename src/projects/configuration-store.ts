import type { Database } from "../storage/database.ts";

/** Keeps everybody else from applying a configuration until this transaction ends. */
export async function takeTurn(db: Database, now: Date): Promise<void> {
  const value = String(now.getTime());
  await db
    .insertInto("settings")
    .values({ name: "configuration_turn", value })
    .onConflict((conflict) => conflict.column("name").doUpdateSet({ value }))
    .execute();
}
