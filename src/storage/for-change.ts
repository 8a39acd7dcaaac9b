import type { SelectQueryBuilder } from "kysely";
import type { Database } from "./database.ts";
import { factsOf } from "./engine.ts";

/**
 * Locks the rows that a statement of a transaction selects until that ends. The embedded database has one writer at a time:
 * there they are locked already.
 */
export const forChange = <DB, TB extends keyof DB, O>(
  tx: Database,
  query: SelectQueryBuilder<DB, TB, O>,
): SelectQueryBuilder<DB, TB, O> => (factsOf(tx).shared ? query.forNoKeyUpdate() : query);
