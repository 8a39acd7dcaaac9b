import { requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import type { Project } from "./project.ts";
import { findProject, insertProject } from "./project-store.ts";

export interface CreateProject {
  readonly key: string;
  readonly name: string;
}

/** Makes a project. Needs a system admin. Throws PROJECT_EXISTS, FORBIDDEN. */
export function createProject(ctx: Context, input: CreateProject): Promise<Project> {
  requireSystemAdmin(ctx);
  return inTransaction(ctx, async (tx) => {
    if (await findProject(tx.db, input.key))
      throw new DomainError("PROJECT_EXISTS", `A project with the key ${input.key} exists`);
    const now = tx.now();
    const project: Project = { id: newId(now), key: input.key, name: input.name, createdAt: now };
    await insertProject(tx.db, project);
    await recordEvent(tx, { kind: "project.created", projectId: project.id, subjectId: project.id, after: project });
    return project;
  });
}
