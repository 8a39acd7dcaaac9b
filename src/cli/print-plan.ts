import type { ConfigurationChange, ConfiguredValue } from "../projects/configuration.ts";
import { coloured, harmless, print } from "./output.ts";

/** One line for each thing: `+ project shop`, `~ connection prod: host a → b`. */
export function printPlan(changes: readonly ConfigurationChange[]): void {
  const things = Map.groupBy(changes, ({ kind, name }) => `${kind} ${name}`);
  for (const [thing, group] of things) {
    const isNew = group.some(({ action }) => action === "create");
    const fields = group.filter(({ field }) => field !== null).map(isNew ? givenText : changedText);
    const line = `${isNew ? "+" : "~"} ${thing}${fields.length === 0 ? "" : `: ${fields.join(", ")}`}`;
    print(coloured(isNew ? "green" : "yellow", harmless(line)));
  }
}

/** How many things, in words. */
export function countText(changes: readonly ConfigurationChange[]): string {
  const things = Map.groupBy(changes, ({ kind, name }) => `${kind} ${name}`);
  const made = [...things.values()].filter((group) => group.some(({ action }) => action === "create")).length;
  return `${made} to create, ${things.size - made} to change`;
}

const givenText = ({ field, after }: ConfigurationChange): string => `${field} ${valueText(after)}`;
const changedText = ({ field, before, after }: ConfigurationChange): string =>
  `${field} ${valueText(before)} → ${valueText(after)}`;

function valueText(value: ConfiguredValue): string {
  if (value === null) return "none";
  if (Array.isArray(value)) return value.length === 0 ? "nobody" : value.join("+");
  if (typeof value === "string") return value === "" ? '""' : value;
  return value ? "yes" : "no";
}
