import { pino } from "pino";
import { type Actor, SYSTEM } from "../../src/access/actor.ts";
import { createSecretBox, KEY_BYTES } from "../../src/connections/secret-box.ts";
import { openCiProviders } from "../../src/connectors/ci-providers/open-ci-providers.ts";
import { createRegistryConnector } from "../../src/connectors/registries/oci-registry-connector.ts";
import type { Context } from "../../src/context.ts";
import type { Role } from "../../src/access/role.ts";
import type { Database } from "../../src/storage/database.ts";

/** Something that this test did not ask for: every use of it throws. */
const absent = <T extends object>(what: string): T =>
  new Proxy({} as T, {
    get: (_, key) => {
      throw new Error(`${what} (${String(key)}) is not part of this test: pass it to testContext`);
    },
  });

/**
 * A context as the program builds it: system actor, silent log, a fixed key, the real clock, guarded connectors
 * (a connection to loopback says `allowPrivate`). A test that keeps files passes a storage of its own.
 */
export function testContext(db: Database, overrides: Partial<Omit<Context, "db">> = {}): Context {
  return {
    db,
    connectors: {
      registries: createRegistryConnector(),
      ciProviders: openCiProviders({ command: null }),
      sourceHosts: absent("sourceHosts"),
    },
    files: absent("files"),
    secrets: createSecretBox(Buffer.alloc(KEY_BYTES, "test key")),
    log: pino({ level: "silent" }),
    now: () => new Date(),
    actor: SYSTEM,
    ...overrides,
  };
}

/** The same context in somebody else's hands. */
export const as = (ctx: Context, actor: Partial<Actor>): Context => ({
  ...ctx,
  actor: { ...SYSTEM, name: "somebody", systemAdmin: false, ...actor },
});

/** The same context in the hands of somebody with this role in one project. */
export const asRole = (ctx: Context, projectId: string, role: Role): Context =>
  as(ctx, { name: role, roles: { [projectId]: role } });

/** Every event so far, in the order written: its kind, and all of it as JSON. */
export async function recordedEvents(
  db: Database,
): Promise<{ readonly kind: string; readonly json: string }[]> {
  const rows = await db.selectFrom("events").select(["kind", "body_json"]).orderBy("serial").execute();
  return rows.map((row) => ({ kind: row.kind, json: row.body_json }));
}
