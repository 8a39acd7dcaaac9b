import { sql } from "kysely";
import * as z from "zod";
import { cutPage, type CursorPage, type CursorRequest } from "../kernel/page.ts";
import type { Database } from "../storage/database.ts";
import { inBlocks } from "../storage/in-blocks.ts";
import { AuditEvent, type EventKind } from "./event.ts";

/** The channel on which whoever writes an event wakes the sealer. */
export const EVENTS_WRITTEN = "events";
/** The channel on which the sealer wakes whoever follows a chain. */
export const EVENTS_SEALED = "sealed-events";

/** An event as its change writes it: no sequence, no hash. */
export interface NewEvent {
  readonly id: string;
  readonly chain: string;
  readonly kind: EventKind;
  readonly projectId: string | null;
  readonly subjectId: string | null;
  /** Canonical JSON. */
  readonly bodyJson: string;
  readonly createdAt: Date;
}

/** Which events of a chain a list shows. */
export interface EventFilter {
  readonly chain: string;
  readonly kinds: readonly EventKind[] | null;
  readonly subjectId: string | null;
  readonly newestFirst: boolean;
}

/** What an export tells of an event. */
export interface EventRow {
  readonly serial: number;
  readonly body_json: string;
  readonly sequence: number | null;
  readonly previous_hash: string | null;
  readonly hash: string | null;
}

/** Writes events; their chains get them in this order. */
export async function insertEvents(db: Database, events: readonly NewEvent[]): Promise<void> {
  for (const block of inBlocks(events)) await insertBlock(db, block).execute();
}

/** The same for as many as one statement takes. */
export const insertBlock = (db: Database, events: readonly NewEvent[]) =>
  db.insertInto("events").values(
    events.map((event) => ({
      id: event.id,
      chain: event.chain,
      kind: event.kind,
      project_id: event.projectId,
      subject_id: event.subjectId,
      body_json: event.bodyJson,
      created_at: event.createdAt.getTime(),
    })),
  );

/** Sealed events by sequence; a cursor's `at` is the sequence. */
export async function pageOfEvents(
  db: Database,
  filter: EventFilter,
  page: CursorRequest,
): Promise<CursorPage<AuditEvent>> {
  const { after } = page;
  const { kinds, subjectId, newestFirst } = filter;
  const rows = await db
    .selectFrom("events")
    .select(["body_json", "sequence", "previous_hash", "hash"])
    .where("chain", "=", filter.chain)
    .where("sequence", "is not", null)
    .$if(after !== null, (query) => query.where("sequence", newestFirst ? "<" : ">", after?.at ?? 0))
    .$if(kinds !== null, (query) => query.where("kind", "in", [...(kinds ?? []), ""]))
    .$if(subjectId !== null, (query) => query.where("subject_id", "=", subjectId))
    .orderBy("sequence", newestFirst ? "desc" : "asc")
    .limit(page.limit + 1)
    .execute();
  return cutPage(rows.map(toEvent), page.limit, ({ sequence, id }) => ({ at: sequence, id }));
}

const toEvent = (row: Omit<EventRow, "serial">): AuditEvent =>
  z.decode(AuditEvent, {
    ...(JSON.parse(row.body_json) as z.input<typeof AuditEvent>),
    sequence: row.sequence ?? 0,
    previousHash: row.previous_hash,
    hash: row.hash ?? "",
  });

/** The entries of a chain behind one sequence and up to another. */
export const listEntries = (
  db: Database,
  chain: string,
  range: { readonly after: number; readonly upTo: number },
  limit: number,
): Promise<EventRow[]> =>
  db
    .selectFrom("events")
    .select(["serial", "body_json", "sequence", "previous_hash", "hash"])
    .where("chain", "=", chain)
    .where("sequence", ">", range.after)
    .where("sequence", "<=", range.upTo)
    .orderBy("sequence")
    .limit(limit)
    .execute();

/** Events of a chain that have no place up to this sequence, behind a serial. */
export const listTail = (
  db: Database,
  chain: string,
  from: { readonly sequence: number; readonly serial: number },
  limit: number,
): Promise<EventRow[]> =>
  db
    .selectFrom("events")
    .select(["serial", "body_json", "sequence", "previous_hash", "hash"])
    .where("chain", "=", chain)
    .where(sql<boolean>`(sequence is null or sequence > ${from.sequence})`)
    .where("serial", ">", from.serial)
    .orderBy("serial")
    .limit(limit)
    .execute();
