import type { EngineFacts } from "./engine.ts";

/**
 * One step of the schema, forward only. Its SQL is what both engines speak, with two words of ours:
 * the type `text` gets the engine's collation, `{serial}` is the engine's definition of a primary key that counts up.
 */
export interface Migration {
  readonly name: string;
  readonly statements: readonly string[];
}

/** A statement as this engine wants it. */
export const statementFor = (facts: EngineFacts, statement: string): string =>
  statement.replaceAll(/\btext\b/g, `text${facts.textCollation}`).replaceAll("{serial}", facts.serialColumn);
