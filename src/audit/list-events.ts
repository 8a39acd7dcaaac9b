import type { Context } from "../context.ts";
import type { CursorPage, CursorRequest } from "../kernel/page.ts";
import type { AuditEvent, EventKind } from "./event.ts";
import { pageOfEvents } from "./event-store.ts";
import { readableChain } from "./readable-chain.ts";

export interface ListEvents {
  /** Null lists what belongs to no project. */
  readonly projectKey: string | null;
  readonly kinds?: readonly EventKind[] | undefined;
  readonly subjectId?: string | undefined;
  /** Otherwise the oldest come first, as a feed reads them. */
  readonly newestFirst?: boolean | undefined;
  readonly page: CursorRequest;
}

/**
 * Sealed events of a project or of the system, by sequence: one that comes later never has a lower one, so a
 * feed goes on behind the last it saw. Throws PROJECT_NOT_FOUND, FORBIDDEN.
 */
export async function listEvents(ctx: Context, input: ListEvents): Promise<CursorPage<AuditEvent>> {
  const { kinds = null, subjectId = null, newestFirst = false } = input;
  const chain = await readableChain(ctx, input.projectKey);
  return await pageOfEvents(ctx.db, { chain, kinds, subjectId, newestFirst }, input.page);
}
