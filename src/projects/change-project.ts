import * as z from "zod";
import { requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { getProject } from "./get-project.ts";
import { Project } from "./project.ts";
import { updateProject } from "./project-store.ts";

/** What shall be different; what is left out stays. */
export interface ChangeProject {
  readonly key: string;
  readonly name?: string | undefined;
  readonly withReferrers?: boolean | undefined;
}

const Input = Project.pick({ name: true, withReferrers: true }).partial().extend({ key: z.string() });

/** Changes a project's name, and what its releases do when they say nothing. Needs its admin. Throws PROJECT_NOT_FOUND, FORBIDDEN, INPUT_INVALID. */
export async function changeProject(ctx: Context, change: ChangeProject): Promise<Project> {
  const input = parseInput(Input, change);
  return await inTransaction(ctx, async (tx) => {
    const before = await getProject(tx, input.key);
    requireRole(tx, before.id, "admin");
    const { name = before.name, withReferrers = before.withReferrers } = input;
    if (before.name === name && before.withReferrers === withReferrers) return before;
    const after: Project = { ...before, name, withReferrers };
    await updateProject(tx.db, after);
    await recordEvent(tx, {
      kind: "project.changed",
      projectId: before.id,
      subjectId: before.id,
      before,
      after,
    });
    return after;
  });
}
