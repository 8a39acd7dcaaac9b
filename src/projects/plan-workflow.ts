import { findConnection } from "../connections/connection-store.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { changeWorkflow } from "../workflows/change-workflow.ts";
import { createWorkflow } from "../workflows/create-workflow.ts";
import { findWorkflow } from "../workflows/workflow-store.ts";
import { parameterText, type Workflow, type WorkflowProvider } from "../workflows/workflow.ts";
import type { ConfiguredProject, ConfiguredWorkflow } from "./configuration.ts";
import { type ConfigurationStep, creation, fieldChanges, type Fields } from "./plan-step.ts";
import { findProject } from "./project-store.ts";

/** What is different in a project's workflow, and how it comes to be. Throws INPUT_INVALID. */
export async function planWorkflow(
  tx: Context,
  { key }: ConfiguredProject,
  entry: ConfiguredWorkflow,
): Promise<ConfigurationStep> {
  const project = await findProject(tx.db, key);
  const found = project && (await findWorkflow(tx.db, project.id, entry.name));
  const name = `${key}/${entry.name}`;
  const { provider, target, ...rest } = entry;
  refuseOtherProvider(name, found, provider);
  const thing = { action: found ? "change" : "create", kind: "workflow", name } as const;
  return {
    changes: [
      ...(found ? [] : [creation("workflow", name)]),
      ...fieldChanges(thing, await fieldsOf(tx, found, entry)),
    ],
    replacedSecret: null,
    carryOut: async (own) => {
      if (found) {
        await changeWorkflow(own, { projectKey: key, name: entry.name, change: { ...rest, target } });
        return;
      }
      const draft = { ...rest, provider: needed(provider, "provider"), target: needed(target, "target") };
      await createWorkflow(own, { projectKey: key, draft });
    },
  };
}

function refuseOtherProvider(
  name: string,
  found: Workflow | null,
  provider: WorkflowProvider | undefined,
): void {
  if (!found || provider === undefined || provider === found.provider) return;
  throw new DomainError(
    "INPUT_INVALID",
    `workflow ${name}: provider: it is ${found.provider} for ever; make another workflow`,
  );
}

function needed<T>(value: T | undefined, field: string): T {
  if (value === undefined) throw new DomainError("INPUT_INVALID", `${field}: a new workflow needs one`);
  return value;
}

async function fieldsOf(tx: Context, found: Workflow | null, entry: ConfiguredWorkflow): Promise<Fields> {
  const connectionId = found?.connectionId ?? null;
  const connection = connectionId === null ? null : await findConnection(tx.db, connectionId);
  return {
    provider: [found?.provider, entry.provider],
    connection: [connection?.name, entry.connection],
    repository: [found?.repository, entry.repository],
    target: [found?.target, entry.target],
    ref: [found?.ref, entry.ref],
    parameters: [found?.parameters.map(parameterText), entry.parameters?.map(parameterText)],
  };
}
