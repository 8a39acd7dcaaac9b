import type { Registry } from "../connectors/registries/registry.ts";
import type { Context } from "../context.ts";
import type { Connection } from "./connection.ts";
import { findSecret } from "./connection-store.ts";

/** The registry behind a connection, with its password opened. Check first that the actor may use the connection. */
export async function openRegistry(ctx: Context, connection: Connection): Promise<Registry> {
  const { sealedPassword } = await findSecret(ctx.db, connection.id);
  const password = sealedPassword === null ? null : ctx.secrets.open(sealedPassword, connection.id);
  return ctx.connectors.registries.open({
    name: connection.name,
    host: connection.host,
    plainHttp: connection.plainHttp,
    allowPrivate: connection.allowPrivate,
    caPem: connection.caPem,
    credentials:
      connection.username !== null && password !== null ? { username: connection.username, password } : null,
    tokenHosts: connection.tokenHosts,
  });
}
