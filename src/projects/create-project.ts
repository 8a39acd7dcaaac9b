import { requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { Project } from "./project.ts";
import { findProject, insertProject } from "./project-store.ts";

export interface CreateProject {
  readonly key: string;
  readonly name: string;
  /** False when not given. */
  readonly withReferrers?: boolean | undefined;
}

const Input = Project.pick({ key: true, name: true }).extend({
  withReferrers: Project.shape.withReferrers.default(false),
});

async function alreadyThere(tx: Context, { key, name }: Project): Promise<DomainError> {
  const what = (await findProject(tx.db, key)) ? `the key ${key}` : `the name ${name}`;
  return new DomainError("PROJECT_EXISTS", `A project with ${what} exists`);
}

/** Makes a project. Needs a system admin. Throws PROJECT_EXISTS, FORBIDDEN, INPUT_INVALID. */
export async function createProject(ctx: Context, input: CreateProject): Promise<Project> {
  requireSystemAdmin(ctx);
  const { key, name, withReferrers } = parseInput(Input, input);
  return await inTransaction(ctx, async (tx) => {
    const now = tx.now();
    const project: Project = {
      id: newId(now),
      key,
      name,
      withReferrers,
      sourceConnectionId: null,
      repository: null,
      buildWorkflowId: null,
      createdAt: now,
    };
    if (!(await insertProject(tx.db, project))) throw await alreadyThere(tx, project);
    await recordEvent(tx, {
      kind: "project.created",
      projectId: project.id,
      subjectId: project.id,
      after: project,
    });
    return project;
  });
}
