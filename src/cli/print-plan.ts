import type { ConfigurationChange, ConfiguredValue } from "../projects/configuration.ts";
import { coloured, harmless, print } from "./output.ts";

const STYLES = { create: "green", change: "yellow", lift: "red" } as const;
const SIGNS = { create: "+", change: "~", lift: "-" } as const;

/** The changes of each thing, and what happens to it as a whole. */
function thingsIn(changes: readonly ConfigurationChange[]) {
  const things = Map.groupBy(changes, ({ kind, name }) => `${kind} ${name}`);
  return [...things].map(([thing, group]) => ({ thing, group, action: actionOf(group) }));
}

function actionOf(group: readonly ConfigurationChange[]): ConfigurationChange["action"] {
  const whole = group.find(
    ({ action, field }) => action === "lift" || (action === "create" && field === null),
  );
  return whole?.action ?? "change";
}

/** One line for each thing: `+ project shop`, `~ connection prod: host a → b`, `- freeze winter`. */
export function printPlan(changes: readonly ConfigurationChange[]): void {
  for (const { thing, group, action } of thingsIn(changes)) {
    const words = action === "create" ? givenText : changedText;
    const fields = group.filter(({ field }) => field !== null).map(words);
    const line = `${SIGNS[action]} ${thing}${fields.length === 0 ? "" : `: ${fields.join(", ")}`}`;
    print(coloured(STYLES[action], harmless(line)));
  }
}

/** How many things, in words. */
export function countText(changes: readonly ConfigurationChange[]): string {
  const things = thingsIn(changes);
  const count = (wanted: ConfigurationChange["action"]): number =>
    things.filter(({ action }) => action === wanted).length;
  const lifted = count("lift") === 0 ? "" : `, ${count("lift")} to lift`;
  return `${count("create")} to create, ${count("change")} to change${lifted}`;
}

const givenText = ({ field, after }: ConfigurationChange): string => `${field} ${valueText(after)}`;
const changedText = ({ field, before, after }: ConfigurationChange): string =>
  `${field} ${valueText(before)} → ${valueText(after)}`;

function valueText(value: ConfiguredValue): string {
  if (value === null) return "none";
  if (Array.isArray(value)) return value.length === 0 ? "nothing" : value.join("+");
  if (typeof value === "number") return String(value);
  if (typeof value === "string") return value === "" ? '""' : value;
  return value ? "yes" : "no";
}
