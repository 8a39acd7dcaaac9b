import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { findWorkflow } from "../workflows/workflow-store.ts";
import type { Environment, EnvironmentChange } from "./environment.ts";
import { findEnvironment, findEnvironmentById } from "./environment-store.ts";

/** Longer chains are no promotion any more. */
const MOST_STEPS = 100;

/** The environment as it will be: the change over what was, names looked up. Throws WORKFLOW_NOT_FOUND, ENVIRONMENT_NOT_FOUND, INPUT_INVALID. */
export async function settleEnvironment(
  tx: Context,
  last: Environment,
  change: EnvironmentChange,
): Promise<Environment> {
  const { workflow, promotionFrom, ...plain } = change;
  const said = Object.fromEntries(Object.entries(plain).filter(([, value]) => value !== undefined));
  const environment: Environment = {
    ...last,
    ...said,
    workflowId: workflow === undefined ? last.workflowId : await workflowId(tx, last, workflow),
    promotionFromId:
      promotionFrom === undefined ? last.promotionFromId : await promotionId(tx, last, promotionFrom),
    updatedAt: tx.now(),
  };
  await refuseCycle(tx, environment);
  return environment;
}

async function workflowId(
  tx: Context,
  { projectId }: Environment,
  name: string | null,
): Promise<string | null> {
  if (name === null) return null;
  const workflow = await findWorkflow(tx.db, projectId, name);
  if (!workflow) throw new DomainError("WORKFLOW_NOT_FOUND", `workflow: the project has no workflow ${name}`);
  return workflow.id;
}

async function promotionId(
  tx: Context,
  { projectId }: Environment,
  name: string | null,
): Promise<string | null> {
  if (name === null) return null;
  const environment = await findEnvironment(tx.db, projectId, name);
  if (!environment)
    throw new DomainError("ENVIRONMENT_NOT_FOUND", `promotionFrom: the project has no environment ${name}`);
  return environment.id;
}

/** Of environments that each wait for the other none could ever get anything. */
async function refuseCycle(tx: Context, environment: Environment): Promise<void> {
  let next = environment.promotionFromId;
  for (let steps = 0; next !== null && steps < MOST_STEPS; steps += 1) {
    if (next === environment.id)
      throw new DomainError(
        "INPUT_INVALID",
        `promotionFrom: versions would have to come to ${environment.name} from itself`,
      );
    next = (await findEnvironmentById(tx.db, next))?.promotionFromId ?? null;
  }
}
