import { requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import type { RegistryCheck } from "../connectors/registries/registry.ts";
import { type Context, inTransaction } from "../context.ts";
import type { Connection } from "./connection.ts";
import { setTokenHosts } from "./connection-store.ts";
import { getConnection } from "./get-connection.ts";
import { openRegistry } from "./open-registry.ts";

export interface TestConnection {
  /** Id or name. */
  readonly connection: string;
  /** Also give the credentials to the token host that the registry names, from now on. */
  readonly confirmTokenHost?: boolean | undefined;
}

export interface ConnectionTest {
  readonly connection: Connection;
  readonly check: RegistryCheck;
}

/**
 * Reaches the registry and signs in there. A token host that the admin confirms is kept, and the check done again with it.
 * Needs a system admin. Throws CONNECTION_NOT_FOUND, FORBIDDEN.
 */
export async function testConnection(ctx: Context, input: TestConnection): Promise<ConnectionTest> {
  requireSystemAdmin(ctx);
  const found = await getConnection(ctx, input.connection);
  const first = await checkRegistry(ctx, found);
  const host = first.tokenHost;
  const confirmed = input.confirmTokenHost === true && host !== null && !found.tokenHosts.includes(host);
  const connection = confirmed ? { ...found, tokenHosts: [...found.tokenHosts, host] } : found;
  await inTransaction(ctx, async (tx) => {
    if (confirmed) await setTokenHosts(tx.db, connection);
    await recordEvent(tx, {
      kind: "connection.tested",
      projectId: null,
      subjectId: connection.id,
      before: { tokenHosts: found.tokenHosts },
      after: { ...first, tokenHosts: connection.tokenHosts },
    });
  });
  return { connection, check: confirmed ? await checkRegistry(ctx, connection) : first };
}

const checkRegistry = async (ctx: Context, connection: Connection): Promise<RegistryCheck> =>
  (await openRegistry(ctx, connection)).check();
