import { type RawBuilder, sql } from "kysely";
import type { Database } from "../storage/database.ts";
import { factsOf } from "../storage/engine.ts";

/** The database's clock, epoch ms. A sub-select is read once a statement, so that an index serves comparisons. */
export const nowOf = (db: Database): RawBuilder<number> =>
  sql<number>`(select ${sql.raw(factsOf(db).nowMillis)})`;
