import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import type { Connection } from "./connection.ts";
import { clearDefault, findOtherDefaults } from "./connection-store.ts";

/** When this connection is the default, no other one is; in the caller's transaction. */
export async function leaveOneDefault(tx: Context, connection: Connection): Promise<void> {
  if (!connection.isDefault) return;
  for (const other of await findOtherDefaults(tx.db, connection.id)) {
    await clearDefault(tx.db, other.id);
    await recordEvent(tx, {
      kind: "connection.changed",
      projectId: null,
      subjectId: other.id,
      before: other,
      after: { ...other, isDefault: false },
    });
  }
}
