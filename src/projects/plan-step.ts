import type { Context } from "../context.ts";
import type { ConfigurationChange, ConfiguredValue } from "./configuration.ts";

/** One thing that a configuration names: what is different in it, and how that comes to be. */
export interface ConfigurationStep {
  readonly changes: readonly ConfigurationChange[];
  /** The secret that the changes replace, as it is stored; null when they replace none. */
  readonly replacedSecret: string | null;
  readonly carryOut: (tx: Context) => Promise<void>;
}

type Thing = Pick<ConfigurationChange, "action" | "kind" | "name">;

/** The thing itself comes into being. */
export const creation = (kind: Thing["kind"], name: string): ConfigurationChange => ({
  action: "create",
  kind,
  name,
  field: null,
  before: null,
  after: null,
});

/** Of each field what it is and what it shall be; undefined: nothing is said of it, null: it has nothing. */
export type Fields = Readonly<
  Record<string, readonly [ConfiguredValue | undefined, ConfiguredValue | undefined]>
>;

/** The fields that shall be different. */
export const fieldChanges = (thing: Thing, fields: Fields): ConfigurationChange[] =>
  Object.entries(fields).flatMap(([field, [is, after]]) => {
    const before = is ?? null;
    const same = after === undefined || JSON.stringify(before) === JSON.stringify(after);
    return same ? [] : [{ ...thing, field, before, after }];
  });
