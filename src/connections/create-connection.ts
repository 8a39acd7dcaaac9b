import { requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { type Connection, ConnectionDraft, type ConnectionKind } from "./connection.ts";
import { insertConnection } from "./connection-store.ts";
import { leaveOneDefault } from "./leave-one-default.ts";
import { settleConnection } from "./settle-connection.ts";

/** A connection about which nothing has been said. */
export const blankConnection = (now: Date, kind: ConnectionKind = "registry"): Connection => ({
  id: newId(now),
  name: "",
  kind,
  host: "",
  namespace: "",
  provider: "native",
  region: "",
  isDefault: false,
  plainHttp: false,
  allowPrivate: false,
  caPem: null,
  username: null,
  hasPassword: false,
  hasWebhookSecret: false,
  tokenHosts: [],
  allProjects: false,
  projects: [],
  builtIn: false,
  createdAt: now,
  updatedAt: now,
});

/** Makes a connection. Needs a system admin. Throws CONNECTION_EXISTS, PROJECT_NOT_FOUND, FORBIDDEN, INPUT_INVALID. */
export async function createConnection(ctx: Context, input: ConnectionDraft): Promise<Connection> {
  requireSystemAdmin(ctx);
  const draft = parseInput(ConnectionDraft, input);
  return await inTransaction(ctx, async (tx) => {
    const blank = {
      connection: blankConnection(tx.now(), draft.kind),
      secret: { sealedPassword: null, sealedWebhookSecret: null },
    };
    const { connection, secret } = await settleConnection(tx, blank, draft);
    if (!(await insertConnection(tx.db, connection, secret)))
      throw new DomainError("CONNECTION_EXISTS", `A connection named ${connection.name} exists`);
    await leaveOneDefault(tx, connection);
    await recordEvent(tx, {
      kind: "connection.created",
      projectId: null,
      subjectId: connection.id,
      after: connection,
    });
    return connection;
  });
}
