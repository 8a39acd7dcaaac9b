import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { getProject } from "../projects/get-project.ts";
import { listLastSequences } from "./live-event-store.ts";

/** A project's feed of sealed events, and the sequence behind which it begins. */
export interface Feed {
  readonly projectId: string;
  readonly after: number;
}

/**
 * Where a feed begins: behind the sequence that its reader saw last, else behind the newest event. Needs a viewer.
 * Throws PROJECT_NOT_FOUND, and INPUT_INVALID for a sequence that the project does not have yet.
 */
export async function beginFeed(
  ctx: Context,
  input: { readonly projectKey: string; readonly lastSeen: number | null },
): Promise<Feed> {
  const { id: projectId } = await getProject(ctx, input.projectKey);
  const newest = (await listLastSequences(ctx.db, [projectId])).get(projectId) ?? 0;
  const after = input.lastSeen ?? newest;
  if (after > newest)
    throw new DomainError(
      "INPUT_INVALID",
      `The last event of the project is ${newest}, and the feed cannot go on behind ${after}: begin without an id`,
    );
  return { projectId, after };
}
