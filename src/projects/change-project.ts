import { requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { getProject } from "./get-project.ts";
import { Project } from "./project.ts";
import { setProjectName } from "./project-store.ts";

export interface ChangeProject {
  readonly key: string;
  readonly name: string;
}

/** Gives a project another name. Needs its admin. Throws PROJECT_NOT_FOUND, FORBIDDEN, INPUT_INVALID. */
export async function changeProject(ctx: Context, input: ChangeProject): Promise<Project> {
  const name = parseInput(Project.shape.name, input.name);
  return await inTransaction(ctx, async (tx) => {
    const before = await getProject(tx, input.key);
    requireRole(tx, before.id, "admin");
    if (before.name === name) return before;
    const after: Project = { ...before, name };
    await setProjectName(tx.db, before.id, name);
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
