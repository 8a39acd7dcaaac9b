import { findConnection } from "../connections/connection-store.ts";
import type { Context } from "../context.ts";
import { findWorkflowById } from "../workflows/workflow-store.ts";
import { changeProject } from "./change-project.ts";
import type { ConfiguredProject } from "./configuration.ts";
import { type ConfigurationStep, fieldChanges } from "./plan-step.ts";
import { findProject } from "./project-store.ts";

/**
 * What is different in where a project's commits are and what builds them. A step of its own, for it needs connections and
 * workflows, which need the project.
 */
export async function planRepository(tx: Context, entry: ConfiguredProject): Promise<ConfigurationStep> {
  const { key, source, repository, buildWorkflow } = entry;
  const found = await findProject(tx.db, key);
  const sourceId = found?.sourceConnectionId ?? null;
  const connection = sourceId === null ? null : await findConnection(tx.db, sourceId);
  const workflowId = found?.buildWorkflowId ?? null;
  const workflow = workflowId === null ? null : await findWorkflowById(tx.db, workflowId);
  const thing = { action: found ? "change" : "create", kind: "project", name: key } as const;
  return {
    changes: fieldChanges(thing, {
      source: [connection?.name, source],
      repository: [found?.repository, repository],
      buildWorkflow: [workflow?.name, buildWorkflow],
    }),
    replacedSecret: null,
    carryOut: async (own) => void (await changeProject(own, { key, source, repository, buildWorkflow })),
  };
}
