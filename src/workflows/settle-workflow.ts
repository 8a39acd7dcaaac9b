import { findConnection } from "../connections/connection-store.ts";
import { isSharedWith } from "../connections/connection.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { problemWith } from "./workflow-inputs.ts";
import type { Workflow, WorkflowChange } from "./workflow.ts";

/** The workflow as it will be: the change over what was, checked as a whole. Throws CONNECTION_NOT_FOUND, CONNECTION_NOT_SHARED, INPUT_INVALID. */
export async function settleWorkflow(tx: Context, last: Workflow, change: WorkflowChange): Promise<Workflow> {
  const { connection, ...plain } = change;
  const said = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  const workflow: Workflow = {
    ...last,
    ...said,
    connectionId: connection === undefined ? last.connectionId : await connectionId(tx, last, connection),
    updatedAt: tx.now(),
  };
  const moved = workflow.target !== last.target || workflow.repository !== last.repository;
  checkProvider(tx, workflow);
  const problem = problemWith(workflow);
  if (problem !== null) throw new DomainError("INPUT_INVALID", problem);
  return moved ? { ...workflow, showsIds: false } : workflow;
}

function checkProvider(
  tx: Context,
  { provider, connectionId: connection, repository, target }: Workflow,
): void {
  if (provider !== "command") return;
  if (connection !== null || repository !== null)
    throw new DomainError("INPUT_INVALID", "connection, repository: a program has none");
  const { programs } = tx.connectors.ciProviders;
  if (programs.length > 0 && !programs.includes(target))
    throw new DomainError(
      "INPUT_INVALID",
      `target: the operator allows ${programs.join(", ")}, not ${target}`,
    );
}

async function connectionId(
  tx: Context,
  { projectId }: Workflow,
  idOrName: string | null,
): Promise<string | null> {
  if (idOrName === null) return null;
  const connection = await findConnection(tx.db, idOrName);
  if (!connection || !isSharedWith(connection, projectId))
    throw new DomainError("CONNECTION_NOT_FOUND", `connection: the project has no connection ${idOrName}`);
  if (connection.kind !== "github")
    throw new DomainError("INPUT_INVALID", `connection: ${idOrName} leads to no GitHub`);
  return connection.id;
}
