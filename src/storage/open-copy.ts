import { Kysely } from "kysely";
import type { OpenDatabase } from "./database.ts";
import { embeddedDialect } from "./embedded-dialect.ts";
import { startWorker } from "./embedded-link.ts";
import { localWakeUps } from "./local-wake-ups.ts";
import type { Tables } from "./tables.ts";

/** Opens the embedded database in a directory that no process uses, to read alone: nothing in the directory changes. */
export async function openCopy(directory: string): Promise<OpenDatabase> {
  const reader = await startWorker({ role: "reader", directory }, () => undefined);
  const refuse = (): Promise<never> =>
    Promise.reject(new Error("This copy of the database is to read alone"));
  const dialect = embeddedDialect(
    {
      writer: { write: refuse, hold: refuse, close: () => undefined },
      read: (statement) => reader.call({ kind: "run", statement }),
      close: reader.close,
    },
    { batch: refuse, wakeUps: localWakeUps(), backUp: null, backUpElsewhere: null },
  );
  const db = new Kysely<Tables>({ dialect });
  return { db, close: () => db.destroy().then(reader.close) };
}
