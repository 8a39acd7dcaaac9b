import type { FreezeLine } from "../api/contract/freezes.ts";
import { shortTime } from "./output.ts";

/** Where a freeze holds: `everything`, `shop`, `production of shop`, `shop/prod`. */
export function placeText({ project, tier, environment }: FreezeLine["place"]): string {
  if (environment !== null) return `${project}/${environment}`;
  if (tier !== null) return project === null ? tier : `${tier} of ${project}`;
  return project ?? "everything";
}

/** When a freeze is active, in words. */
export function scheduleText({ schedule }: Pick<FreezeLine, "schedule">): string {
  switch (schedule.kind) {
    case "now":
      return `since ${shortTime(schedule.startsAt)}`;
    case "once":
      return `${shortTime(schedule.startsAt)} to ${shortTime(schedule.endsAt)}`;
    case "recurring":
      return `${schedule.cron} for ${schedule.durationMinutes} min, ${schedule.zone}`;
  }
}

/** What it does at this moment. */
export function activeText({ effect, isActive }: Pick<FreezeLine, "effect" | "isActive">): string {
  if (effect === "allow") return isActive ? "lets deployments through" : "keeps deployments";
  return isActive ? "keeps deployments" : "not active";
}
