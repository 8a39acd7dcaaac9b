import { renewInternalToken } from "../access/renew-internal-token.ts";
import { INTERNAL_USER } from "../access/user.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { BUILT_IN, type Connection } from "./connection.ts";
import { findConnection, insertConnection, updateConnection } from "./connection-store.ts";
import { blankConnection } from "./create-connection.ts";

/** Where this server reaches itself. */
export type OwnAddress = Pick<Connection, "host" | "plainHttp" | "allowPrivate">;

/**
 * At start: the connection to the registry inside leads to where the server listens now, with a new token as its password.
 * Shared with all projects; each works in its own namespace there.
 */
export async function ensureBuiltInConnection(ctx: Context, address: OwnAddress): Promise<Connection> {
  try {
    return await ensureOnce(ctx, address);
  } catch (error) {
    // Another replica that starts for the first time was quicker: now there is something to change.
    if (!(error instanceof DomainError && error.code === "USER_EXISTS")) throw error;
    return ensureOnce(ctx, address);
  }
}

const ensureOnce = (ctx: Context, address: OwnAddress): Promise<Connection> =>
  inTransaction(ctx, async (tx) => {
    const found = await findConnection(tx.db, BUILT_IN);
    const connection: Connection = {
      ...(found ?? blankConnection(tx.now())),
      name: BUILT_IN,
      host: address.host,
      plainHttp: address.plainHttp,
      allowPrivate: address.allowPrivate,
      username: INTERNAL_USER,
      hasPassword: true,
      allProjects: true,
      builtIn: true,
      updatedAt: tx.now(),
    };
    const sealedPassword = tx.secrets.seal(await renewInternalToken(tx), connection.id);
    const secret = { sealedPassword, sealedWebhookSecret: null };
    if (found) await updateConnection(tx.db, connection, secret);
    else await insertConnection(tx.db, connection, secret);
    await recordEvent(tx, {
      kind: found ? "connection.changed" : "connection.created",
      projectId: null,
      subjectId: connection.id,
      ...(found ? { before: found } : {}),
      after: connection,
    });
    return connection;
  });
