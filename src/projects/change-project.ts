import { isDeepStrictEqual } from "node:util";
import * as z from "zod";
import { requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { findConnection } from "../connections/connection-store.ts";
import { isSharedWith } from "../connections/connection.ts";
import { DomainError } from "../kernel/errors.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { isUniqueViolation } from "../storage/unique-violation.ts";
import { findWorkflow } from "../workflows/workflow-store.ts";
import { getProject } from "./get-project.ts";
import { Project } from "./project.ts";
import { updateProject } from "./project-store.ts";

/** What shall be different; what is left out stays. */
export interface ChangeProject {
  readonly key: string;
  readonly name?: string | undefined;
  readonly withReferrers?: boolean | undefined;
  /** The connection to its repository, by id or name. */
  readonly source?: string | null | undefined;
  readonly repository?: string | null | undefined;
  /** What builds its candidates, by name. */
  readonly buildWorkflow?: string | null | undefined;
}

const Input = Project.pick({ name: true, withReferrers: true, repository: true })
  .partial()
  .extend({
    key: z.string(),
    source: z.string().min(1).max(64).nullable().optional(),
    buildWorkflow: z.string().min(1).max(64).nullable().optional(),
  });

/**
 * Changes a project's name, its repository and build, and what its releases do when they say nothing. Needs its admin.
 * Throws PROJECT_NOT_FOUND, PROJECT_EXISTS, FORBIDDEN, INPUT_INVALID, CONNECTION_NOT_FOUND, WORKFLOW_NOT_FOUND.
 */
export async function changeProject(ctx: Context, change: ChangeProject): Promise<Project> {
  const input = parseInput(Input, change);
  return await inTransaction(ctx, async (tx) => {
    const before = await getProject(tx, input.key);
    requireRole(tx, before.id, "admin");
    const after = await settle(tx, before, input);
    if (isDeepStrictEqual(before, after)) return before;
    await updateProject(tx.db, after).catch((error: unknown) => {
      if (!isUniqueViolation(error, "projects")) throw error;
      throw new DomainError("PROJECT_EXISTS", `A project with the name ${after.name} exists`);
    });
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

async function settle(tx: Context, before: Project, change: z.output<typeof Input>): Promise<Project> {
  const { source, buildWorkflow, repository } = change;
  return {
    ...before,
    name: change.name ?? before.name,
    withReferrers: change.withReferrers ?? before.withReferrers,
    repository: repository === undefined ? before.repository : repository,
    sourceConnectionId: source === undefined ? before.sourceConnectionId : await sourceId(tx, before, source),
    buildWorkflowId:
      buildWorkflow === undefined ? before.buildWorkflowId : await workflowId(tx, before, buildWorkflow),
  };
}

async function sourceId(tx: Context, project: Project, idOrName: string | null): Promise<string | null> {
  if (idOrName === null) return null;
  const connection = await findConnection(tx.db, idOrName);
  if (!connection || !isSharedWith(connection, project.id))
    throw new DomainError("CONNECTION_NOT_FOUND", `source: the project has no connection ${idOrName}`);
  if (connection.kind === "registry")
    throw new DomainError("INPUT_INVALID", `source: ${idOrName} leads to a registry, not to repositories`);
  return connection.id;
}

async function workflowId(tx: Context, project: Project, name: string | null): Promise<string | null> {
  if (name === null) return null;
  const workflow = await findWorkflow(tx.db, project.id, name);
  if (!workflow)
    throw new DomainError("WORKFLOW_NOT_FOUND", `buildWorkflow: the project has no workflow ${name}`);
  return workflow.id;
}
