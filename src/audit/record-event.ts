import type { Compilable } from "kysely";
import type { Context } from "../context.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { newId } from "../kernel/id.ts";
import { redact } from "../kernel/redaction.ts";
import { afterCommit } from "../storage/transaction.ts";
import { wakeUp } from "../storage/wake-up.ts";
import { type EventFacts, type EventKind, SYSTEM_CHAIN } from "./event.ts";
import { countEvent } from "./event-counts.ts";
import { EVENTS_WRITTEN, insertBlock, insertEvents, type NewEvent } from "./event-store.ts";

/** Events that tell of something that went wrong. */
const WARNINGS: ReadonlySet<EventKind> = new Set([
  "distribution.failed",
  "candidate.failed",
  "deployment.failed",
  "deployment.error",
  "deployment.lost",
]);

/**
 * Writes the event in the change's own transaction, unsealed; the sealer gives it its place afterwards.
 * Secrets in before and after are masked by their names, and YAML is replaced by its hash.
 * Once that is committed, the event is one line in the log, of the fields that docs/operate/observe.md names.
 */
export const recordEvent = (tx: Context, facts: EventFacts): Promise<void> => recordEvents(tx, [facts]);

/** The same for several events of one change, in this order, in one statement. */
export async function recordEvents(tx: Context, all: readonly EventFacts[]): Promise<void> {
  if (all.length === 0) return;
  const events = all.map((facts) => newEvent(tx, facts));
  await insertEvents(tx.db, events);
  tellOnceCommitted(tx, events);
}

/** The same as a statement, for a change that hands all that it writes over at once. */
export function eventToRecord(tx: Context, facts: EventFacts): Compilable {
  const events = [newEvent(tx, facts)];
  tellOnceCommitted(tx, events);
  return insertBlock(tx.db, events);
}

function tellOnceCommitted(tx: Context, events: readonly NewEvent[]): void {
  wakeUp(tx.db, EVENTS_WRITTEN);
  afterCommit(tx.db, () => {
    for (const event of events) logEvent(tx, event);
  });
}

function newEvent(tx: Context, { kind, projectId, subjectId, before = null, after = null }: EventFacts) {
  const { name, userId, tokenId, address, requestId } = tx.actor;
  const createdAt = tx.now();
  const id = newId(createdAt);
  const chain = projectId ?? SYSTEM_CHAIN;
  const actor = { name, userId, tokenId };
  const body = { id, chain, kind, projectId, subjectId, actor, address, requestId, before, after, createdAt };
  return { id, chain, kind, projectId, subjectId, bodyJson: canonicalJson(redact(body)), createdAt };
}

function logEvent({ log, actor }: Context, { id, kind, projectId, subjectId }: NewEvent): void {
  const { name, userId: user, requestId } = actor;
  const event = { id, kind, project: projectId, subject: subjectId, actor: name, user, requestId };
  countEvent(kind);
  log[WARNINGS.has(kind) ? "warn" : "info"]({ event }, kind);
}
