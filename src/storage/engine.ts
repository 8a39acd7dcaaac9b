import type { Kysely } from "kysely";

/**
 * What the two engines do differently, as named facts. Stores ask for a fact, never for an engine's name.
 */
export interface EngineFacts {
  /** Rows that another worker holds can be passed over: `for update skip locked`. */
  readonly skipLocked: boolean;
  /** Other processes can be woken: LISTEN and NOTIFY. */
  readonly notify: boolean;
  /** Several processes may work on the database, so leases are judged by the database's clock. */
  readonly shared: boolean;
  /** What follows `text` in a column, so that both engines sort by code point. */
  readonly textCollation: string;
  /** Definition of a primary key that the engine counts up, in the order of inserting. */
  readonly serialColumn: string;
  /** SQL for now, in epoch milliseconds by the database's clock. */
  readonly nowMillis: string;
  /** What a transaction that changes the schema begins with: it takes its turn, and may take its time. */
  readonly schemaTransaction: readonly string[];
}

/** An adapter of a dialect of ours; it carries the facts, so that every Kysely and transaction knows them. */
export interface AdapterWithFacts {
  readonly facts: EngineFacts;
}

/** The facts of the engine behind this database or transaction. */
export function factsOf(db: Pick<Kysely<unknown>, "getExecutor">): EngineFacts {
  const adapter = db.getExecutor().adapter as Partial<AdapterWithFacts>;
  if (!adapter.facts) throw new Error("this database was not opened by storage/database.ts");
  return adapter.facts;
}
