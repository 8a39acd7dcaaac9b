import type { Logger } from "pino";
import type { Actor } from "./access/actor.ts";
import type { SecretBox } from "./connections/secret-box.ts";
import type { Connectors } from "./connectors/connector-lookup.ts";
import type { Database } from "./storage/database.ts";
import { runTransaction } from "./storage/transaction.ts";
import type { FileStorage } from "./storage/file-storage.ts";

/** What a use case may reach. Small on purpose: another power needs a decision record. */
export interface Context {
  readonly db: Database;
  readonly connectors: Connectors;
  readonly files: FileStorage;
  readonly secrets: SecretBox;
  readonly log: Logger;
  readonly now: () => Date;
  readonly actor: Actor;
}

/** Runs `work` with the same context inside one transaction; inside one already, joins it. */
export const inTransaction = <T>(ctx: Context, work: (tx: Context) => Promise<T>): Promise<T> =>
  runTransaction(ctx.db, (db) => work({ ...ctx, db }));
