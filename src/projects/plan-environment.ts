import type { Context } from "../context.ts";
import { changeEnvironment } from "../environments/change-environment.ts";
import { createEnvironment } from "../environments/create-environment.ts";
import { listEnvironments } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { findWorkflowById } from "../workflows/workflow-store.ts";
import type { ConfiguredEnvironment, ConfiguredProject } from "./configuration.ts";
import { type ConfigurationStep, creation, fieldChanges, type Fields } from "./plan-step.ts";
import { findProject } from "./project-store.ts";
import { promotionOrder } from "./promotion-order.ts";

/**
 * What is different in a project's environments, and how it comes to be: each after the one from which versions come to it.
 * Throws INPUT_INVALID.
 */
export async function planEnvironments(tx: Context, entry: ConfiguredProject): Promise<ConfigurationStep[]> {
  const project = await findProject(tx.db, entry.key);
  const known = project ? await listEnvironments(tx.db, project.id) : [];
  const placed = inPlace(entry.environments ?? [], known);
  const steps: ConfigurationStep[] = [];
  for (const environment of promotionOrder(entry.key, placed, known))
    steps.push(await planEnvironment(tx, entry.key, environment, known));
  return steps;
}

/**
 * The list's order is that of the environments: one that says no position comes after the one above it, and stays where it
 * is when it does so already.
 */
function inPlace(
  entries: readonly ConfiguredEnvironment[],
  known: readonly Environment[],
): ConfiguredEnvironment[] {
  let last = -1;
  return entries.map((entry) => {
    const is = known.find(({ name }) => name === entry.name)?.position;
    const stays = is !== undefined && is > last;
    last = entry.position ?? (stays ? is : last + 1);
    return { ...entry, position: last };
  });
}

async function planEnvironment(
  tx: Context,
  projectKey: string,
  entry: ConfiguredEnvironment,
  known: readonly Environment[],
): Promise<ConfigurationStep> {
  const found = known.find(({ name }) => name === entry.name);
  const name = `${projectKey}/${entry.name}`;
  const thing = { action: found ? "change" : "create", kind: "environment", name } as const;
  return {
    changes: [
      ...(found ? [] : [creation("environment", name)]),
      ...fieldChanges(thing, await fieldsOf(tx, found, entry, known)),
    ],
    replacedSecret: null,
    carryOut: async (own) => {
      if (found) await changeEnvironment(own, { projectKey, name: entry.name, change: entry });
      else await createEnvironment(own, { projectKey, draft: entry });
    },
  };
}

async function fieldsOf(
  tx: Context,
  found: Environment | undefined,
  entry: ConfiguredEnvironment,
  known: readonly Environment[],
): Promise<Fields> {
  const workflowId = found?.workflowId ?? null;
  const workflow = workflowId === null ? null : await findWorkflowById(tx.db, workflowId);
  const promotionFrom = known.find(({ id }) => id === found?.promotionFromId);
  return {
    tier: [found?.tier, entry.tier],
    position: [found?.position, entry.position],
    workflow: [workflow?.name, entry.workflow],
    concurrency: [found?.concurrency, entry.concurrency],
    promotionFrom: [promotionFrom?.name, entry.promotionFrom],
    autoDeploy: [found?.autoDeploy, entry.autoDeploy],
    timeLimitMinutes: [found?.timeLimitMinutes, entry.timeLimitMinutes],
  };
}
