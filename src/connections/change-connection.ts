import { requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { isUniqueViolation } from "../storage/unique-violation.ts";
import { type Connection, ConnectionChange } from "./connection.ts";
import { findSecret, updateConnection } from "./connection-store.ts";
import { getConnection } from "./get-connection.ts";
import { leaveOneDefault } from "./leave-one-default.ts";
import { settleConnection } from "./settle-connection.ts";

export interface ChangeConnection {
  /** Id or name. */
  readonly connection: string;
  readonly change: ConnectionChange;
}

/**
 * Changes what a connection says. Needs a system admin. Another host, or plain HTTP, needs the password again.
 * Throws CONNECTION_NOT_FOUND, CONNECTION_BUILT_IN, CONNECTION_EXISTS, PROJECT_NOT_FOUND, FORBIDDEN, INPUT_INVALID.
 */
export async function changeConnection(ctx: Context, input: ChangeConnection): Promise<Connection> {
  requireSystemAdmin(ctx);
  const change = parseInput(ConnectionChange, input.change);
  return await inTransaction(ctx, async (tx) => {
    const before = await getConnection(tx, input.connection);
    if (before.builtIn) throw new DomainError("CONNECTION_BUILT_IN");
    const last = { connection: before, secret: await findSecret(tx.db, before.id) };
    const { connection, secret } = await settleConnection(tx, last, change);
    await updateConnection(tx.db, connection, secret).catch((error: unknown) => {
      if (!isUniqueViolation(error, "connections", ["name"])) throw error;
      throw new DomainError("CONNECTION_EXISTS", `A connection named ${connection.name} exists`);
    });
    await leaveOneDefault(tx, connection);
    await recordEvent(tx, {
      kind: "connection.changed",
      projectId: null,
      subjectId: connection.id,
      before,
      after: {
        ...connection,
        passwordChanged: change.password !== undefined,
        webhookSecretChanged: change.webhookSecret !== undefined,
      },
    });
    return connection;
  });
}
