import { sql } from "kysely";
import type { Database } from "./database.ts";

const LIMIT_MILLIS = 2_000;

/** Asks the database for nothing. Throws when it does not answer within 2 s. */
export async function pingDatabase(db: Database): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new Error(`The database did not answer within ${LIMIT_MILLIS} ms`)),
      LIMIT_MILLIS,
    );
  });
  try {
    await Promise.race([sql`select 1`.execute(db), late]);
  } finally {
    clearTimeout(timer);
  }
}
