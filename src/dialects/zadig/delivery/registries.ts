import type { FastifyInstance } from "fastify";
import type { Connection } from "../../../connections/connection.ts";
import { listConnections } from "../../../connections/list-connections.ts";
import type { Context } from "../../../context.ts";
import type { Cursor } from "../../../kernel/page.ts";
import { Cursor as CursorText } from "../../../kernel/page.ts";
import * as z from "zod";

/** GET /openapi/system/registry: what the pickers of Zadig's create wizard show (notes, section 4). */
export function registryRoutes(app: FastifyInstance): void {
  app.get("/system/registry", { config: { zadigClass: "read" } }, async (request) =>
    (await everyConnection(request.ctx)).map(presentRegistry),
  );
}

async function everyConnection(ctx: Context): Promise<Connection[]> {
  const all: Connection[] = [];
  for (let after: Cursor | null = null; ;) {
    const page = await listConnections(ctx, { after, limit: 200 });
    all.push(...page.items.filter(({ kind }) => kind === "registry"));
    if (page.next === null) return all;
    after = z.decode(CursorText, page.next);
  }
}

const presentRegistry = (connection: Connection) => ({
  registry_id: connection.id,
  address: `${connection.plainHttp ? "http" : "https"}://${connection.host}`,
  provider: connection.provider,
  region: connection.region,
  namespace: connection.namespace,
  is_default: connection.isDefault,
});
