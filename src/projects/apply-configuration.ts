import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Configuration, ConfigurationChange, ConfigurationPlan } from "./configuration.ts";
import { openPlan, prepareConfiguration } from "./plan-configuration.ts";

export interface ApplyConfiguration {
  readonly configuration: Configuration;
  /** Of the plan that is to be carried out. */
  readonly fingerprint: string;
}

/**
 * Carries out a plan, all of it or nothing, each change with its own event. Needs a system admin.
 * Throws CONFIGURATION_CHANGED when it would do something else by now, and what `planConfiguration` throws.
 */
export async function applyConfiguration(
  ctx: Context,
  input: ApplyConfiguration,
): Promise<ConfigurationPlan> {
  const prepared = await prepareConfiguration(ctx, input.configuration);
  return await inTransaction(ctx, async (tx) => {
    const { carryOut, changes, fingerprint } = await openPlan(tx, prepared);
    if (fingerprint !== input.fingerprint) throw new DomainError("CONFIGURATION_CHANGED");
    if (changes.length === 0) return { changes, fingerprint };
    await carryOut();
    const created = changes.filter(({ action, field }) => action === "create" && field === null);
    await recordEvent(tx, {
      kind: "configuration.applied",
      projectId: null,
      subjectId: null,
      after: {
        created: namesOf(created),
        changed: namesOf(changes.filter(({ action }) => action === "change")),
        lifted: namesOf(changes.filter(({ action }) => action === "lift")),
      },
    });
    return { changes, fingerprint };
  });
}

const namesOf = (changes: readonly ConfigurationChange[]): string[] => [
  ...new Set(changes.map(({ kind, name }) => `${kind} ${name}`)),
];
