import type { Context } from "../context.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { newId } from "../kernel/id.ts";
import { redact } from "../kernel/redaction.ts";
import { afterCommit } from "../storage/transaction.ts";
import { wakeUp } from "../storage/wake-up.ts";
import { type EventFacts, type EventKind, SYSTEM_CHAIN } from "./event.ts";
import { countEvent } from "./event-counts.ts";
import { EVENTS_WRITTEN, insertEvent } from "./event-store.ts";

/** Events that tell of something that went wrong. */
const WARNINGS: ReadonlySet<EventKind> = new Set(["distribution.failed"]);

/**
 * Writes the event in the change's own transaction, unsealed; the sealer gives it its place afterwards.
 * Secrets in before and after are masked by their names, and YAML is replaced by its hash.
 * Once that is committed, the event is one line in the log, of the fields that docs/operate/observe.md names.
 */
export async function recordEvent(tx: Context, facts: EventFacts): Promise<void> {
  const { kind, projectId, subjectId, before = null, after = null } = facts;
  const { name, userId, tokenId, address, requestId } = tx.actor;
  const createdAt = tx.now();
  const id = newId(createdAt);
  const chain = projectId ?? SYSTEM_CHAIN;
  const actor = { name, userId, tokenId };
  const body = { id, chain, kind, projectId, subjectId, actor, address, requestId, before, after, createdAt };
  await insertEvent(tx.db, {
    id,
    chain,
    kind,
    projectId,
    subjectId,
    bodyJson: canonicalJson(redact(body)),
    createdAt,
  });
  wakeUp(tx.db, EVENTS_WRITTEN);
  const event = { id, kind, project: projectId, subject: subjectId, actor: name, user: userId, requestId };
  afterCommit(tx.db, () => {
    countEvent(kind);
    tx.log[WARNINGS.has(kind) ? "warn" : "info"]({ event }, kind);
  });
}
