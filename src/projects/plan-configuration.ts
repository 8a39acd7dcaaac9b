import { createHash } from "node:crypto";
import { requireSystemAdmin } from "../access/authorize.ts";
import { type Context, inTransaction } from "../context.ts";
import { canonicalJson } from "../kernel/canonical-json.ts";
import { DomainError } from "../kernel/errors.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { Configuration, type ConfigurationPlan } from "./configuration.ts";
import { takeTurn } from "./configuration-store.ts";
import { planConnection } from "./plan-connection.ts";
import { planEnvironments } from "./plan-environment.ts";
import { planFreeze, planLiftedFreezes } from "./plan-freeze.ts";
import { planProject } from "./plan-project.ts";
import { planRepository } from "./plan-repository.ts";
import type { ConfigurationStep } from "./plan-step.ts";
import { planWorkflow } from "./plan-workflow.ts";
import { planUser, type PreparedUser, prepareUser, usersInOrder } from "./plan-user.ts";

/** As many things as one transaction has time for. */
const MAX_CHANGED = 1000;

/** A configuration with what had to be worked out before the transaction. */
export interface PreparedConfiguration {
  readonly configuration: Configuration;
  readonly users: readonly PreparedUser[];
}

/** A plan with how to carry it out. */
export interface OpenPlan extends ConfigurationPlan {
  readonly carryOut: () => Promise<void>;
}

/**
 * What applying the configuration would change. It is carried out and rolled back, so that whatever would refuse it
 * then refuses it now. Needs a system admin. Throws INPUT_INVALID, FORBIDDEN, CONFIGURATION_CHANGED, and what the
 * single changes throw.
 */
export async function planConfiguration(ctx: Context, input: Configuration): Promise<ConfigurationPlan> {
  const prepared = await prepareConfiguration(ctx, input);
  return await rehearse(ctx, async (tx) => {
    const { carryOut, changes, fingerprint } = await openPlan(tx, prepared);
    await carryOut();
    return { changes, fingerprint };
  });
}

/** Compares and hashes passwords, which takes longer than a transaction may. Throws INPUT_INVALID, FORBIDDEN. */
export async function prepareConfiguration(
  ctx: Context,
  input: Configuration,
): Promise<PreparedConfiguration> {
  requireSystemAdmin(ctx);
  const configuration = parseInput(Configuration, input);
  const users = usersInOrder(configuration.users ?? []);
  return { configuration, users: await Promise.all(users.map((user) => prepareUser(ctx, user))) };
}

/** Compares the configuration with what is, in a transaction in which nobody else applies one. */
export async function openPlan(
  tx: Context,
  { configuration, users }: PreparedConfiguration,
): Promise<OpenPlan> {
  await takeTurn(tx.db, tx.now());
  const all = await stepsOf(tx, configuration);
  for (const user of users) all.push(await planUser(tx, user));
  all.push(...(await freezeSteps(tx, configuration)));
  const steps = all.filter((step) => step.changes.length > 0);
  const changes = steps.flatMap((step) => step.changes);
  refuseTooMany(changes.length);
  const replaced = steps.map((step) => step.replacedSecret);
  return {
    changes,
    fingerprint: createHash("sha256").update(canonicalJson({ changes, replaced })).digest("hex"),
    carryOut: async () => {
      for (const step of steps) await named(step, () => step.carryOut(tx));
    },
  };
}

/** In the order in which things need one another: connections are shared with projects, workflows and sources use connections. */
async function stepsOf(
  tx: Context,
  { projects = [], connections = [] }: Configuration,
): Promise<ConfigurationStep[]> {
  const steps: ConfigurationStep[] = [];
  for (const project of projects) steps.push(await planProject(tx, project));
  // The new default comes last: it takes that from whichever still is it.
  for (const connection of connections.toSorted(
    (one, other) => Number(one.default ?? false) - Number(other.default ?? false),
  ))
    steps.push(await planConnection(tx, connection, connections));
  for (const project of projects) {
    for (const workflow of project.workflows ?? []) steps.push(await planWorkflow(tx, project, workflow));
    steps.push(...(await planEnvironments(tx, project)), await planRepository(tx, project));
  }
  return steps;
}

/** Names come free before they are given anew. */
async function freezeSteps(tx: Context, { freezes }: Configuration): Promise<ConfigurationStep[]> {
  if (freezes === undefined) return [];
  const steps = await planLiftedFreezes(tx, freezes);
  for (const freeze of freezes) steps.push(await planFreeze(tx, freeze));
  return steps;
}

function refuseTooMany(changes: number): void {
  if (changes > MAX_CHANGED)
    throw new DomainError(
      "INPUT_INVALID",
      `These are ${changes} changes, and ${MAX_CHANGED} fit into one transaction: apply the file in parts`,
    );
}

/** A refusal says of which thing. */
async function named(step: ConfigurationStep, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const [first] = step.changes;
    if (!(error instanceof DomainError) || !first) throw error;
    throw new DomainError(error.code, `${first.kind} ${first.name}: ${error.message}`, error.details);
  }
}

/** Runs `work` in a transaction that never commits. */
async function rehearse<T>(ctx: Context, work: (tx: Context) => Promise<T>): Promise<T> {
  const rollBack = new Error("rehearsed");
  const outcome: { value?: T } = {};
  try {
    await inTransaction(ctx, async (tx) => {
      outcome.value = await work(tx);
      throw rollBack;
    });
  } catch (error) {
    if (error !== rollBack) throw error;
  }
  return outcome.value as T;
}
