import * as z from "zod";
import type { Context } from "../context.ts";
import { createFreeze } from "../environments/create-freeze.ts";
import { findFreeze, listFreezes } from "../environments/freeze-store.ts";
import { FreezeDraft } from "../environments/freeze-draft.ts";
import { type Freeze, FreezeSchedule } from "../environments/freeze.ts";
import { liftFreeze } from "../environments/lift-freeze.ts";
import { DomainError } from "../kernel/errors.ts";
import type { ConfiguredFreeze, ConfiguredValue } from "./configuration.ts";
import { placeOf, placeText } from "./freeze-place.ts";
import { type ConfigurationStep, creation, fieldChanges, type Fields } from "./plan-step.ts";

/** The freezes that came from a configuration and are not in its list any more. Those that persons made are never among them. */
export async function planLiftedFreezes(
  tx: Context,
  entries: readonly ConfiguredFreeze[],
): Promise<ConfigurationStep[]> {
  const listed = new Set(entries.map(({ name }) => name));
  const all = await listFreezes(tx.db, null);
  return all
    .filter(({ name, origin }) => origin === "configuration" && !listed.has(name))
    .map(({ id, name }) => ({
      changes: [{ action: "lift", kind: "freeze", name, field: null, before: null, after: null }],
      replacedSecret: null,
      carryOut: async (own) => void (await liftFreeze(own, id)),
    }));
}

/**
 * What is different in a freeze, and how it comes to be: a changed one is lifted and made anew, for a freeze never changes.
 * Throws FREEZE_EXISTS when a person made one of this name.
 */
export async function planFreeze(tx: Context, entry: ConfiguredFreeze): Promise<ConfigurationStep> {
  const { name } = entry;
  const found = await findFreeze(tx.db, name);
  if (found && found.origin !== "configuration")
    throw new DomainError(
      "FREEZE_EXISTS",
      `freeze ${name}: ${found.createdBy} made a freeze of this name: lift it, or give this one another name`,
    );
  const before = found && (await draftOf(tx, found));
  const thing = { action: found ? "change" : "create", kind: "freeze", name } as const;
  return {
    changes: [...(found ? [] : [creation("freeze", name)]), ...fieldChanges(thing, fieldsOf(before, entry))],
    replacedSecret: null,
    carryOut: async (own) => {
      const reason = entry.reason ?? before?.reason;
      if (reason === undefined) throw new DomainError("INPUT_INVALID", "reason: a new freeze needs one");
      if (found) await liftFreeze(own, found.id);
      const said = Object.fromEntries(Object.entries(entry).filter(([, value]) => value !== undefined));
      await createFreeze(own, z.decode(FreezeDraft, { ...before, ...said, name, reason }), "configuration");
    },
  };
}

/** A freeze as a configuration would write it. */
async function draftOf(tx: Context, freeze: Freeze): Promise<ConfiguredFreeze> {
  const { name, effect, reason, ownerName, expiresAt, bypass } = freeze;
  const schedule = z.encode(FreezeSchedule, freeze.schedule);
  return {
    name,
    place: await placeOf(tx, freeze.scope),
    effect,
    // The moment at which it was made is not part of what is wanted.
    schedule: schedule.kind === "now" ? { kind: "now" } : schedule,
    reason,
    ownerName,
    expiresAt: expiresAt?.toISOString() ?? null,
    bypass,
  };
}

const fieldsOf = (is: ConfiguredFreeze | null, entry: ConfiguredFreeze): Fields => ({
  place: [textOf(is?.place, placeText), textOf(entry.place, placeText)],
  effect: [is?.effect, entry.effect],
  schedule: [textOf(is?.schedule, scheduleText), textOf(entry.schedule, scheduleText)],
  reason: [is?.reason, entry.reason],
  ownerName: [is?.ownerName, entry.ownerName],
  expiresAt: [textOf(is?.expiresAt, momentText), textOf(entry.expiresAt, momentText)],
  bypass: [is?.bypass, entry.bypass],
});

const textOf = <T>(
  value: T | null | undefined,
  words: (value: T) => string,
): ConfiguredValue | null | undefined =>
  value === null || value === undefined ? (value as null | undefined) : words(value);

/** One text for one moment, however it was written. */
const momentText = (moment: string): string => new Date(moment).toISOString();

function scheduleText(schedule: NonNullable<ConfiguredFreeze["schedule"]>): string {
  switch (schedule.kind) {
    case "now":
      return "now";
    case "once":
      return `${momentText(schedule.startsAt)} to ${momentText(schedule.endsAt)}`;
    case "recurring":
      return `${schedule.cron} for ${schedule.durationMinutes} min, ${schedule.zone}`;
  }
}
