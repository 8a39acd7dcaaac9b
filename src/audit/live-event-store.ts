import * as z from "zod";
import type { Database } from "../storage/database.ts";
import { LiveEvent } from "./event.ts";

/** The last sequence of each of these chains; one without entries has none here. */
export async function listLastSequences(
  db: Database,
  chains: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await db
    .selectFrom("chain_heads")
    .select(["chain", "sequence"])
    .where("chain", "in", [...chains, ""])
    .execute();
  return new Map(rows.map(({ chain, sequence }) => [chain, sequence]));
}

/** Sealed events of a chain behind a sequence, in their order. */
export async function listLiveEvents(
  db: Database,
  chain: string,
  after: number,
  limit: number,
): Promise<LiveEvent[]> {
  const rows = await db
    .selectFrom("events")
    .select(["sequence", "body_json"])
    .where("chain", "=", chain)
    .where("sequence", ">", after)
    .orderBy("sequence")
    .limit(limit)
    .execute();
  return rows.map(({ sequence, body_json }) =>
    z.decode(LiveEvent, {
      ...(JSON.parse(body_json) as z.input<typeof LiveEvent>),
      sequence: sequence ?? 0,
    }),
  );
}
