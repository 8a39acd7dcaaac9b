/**
 * What may go wrong with a call. `drop`: the connection is reset before anything is done. `withhold`: it is done, and
 * never answered. `swallow`: it is read, nothing is done, and it is never answered. `cut`: it is done, and the answer breaks off. `instead`: it is done, and another answer given, as by a
 * proxy before GitHub. `refuse`: nothing is done, and this is the answer. `until`: it is done after that.
 */
export type Fault =
  | { readonly kind: "drop" | "withhold" | "swallow" | "cut" }
  | {
      readonly kind: "instead" | "refuse";
      readonly status: number;
      readonly body?: string;
      readonly headers?: Readonly<Record<string, string>>;
    }
  | { readonly kind: "until"; readonly promise: Promise<unknown> };

/** The disturbances of this GitHub. */
export interface Faults {
  /** Disturbs calls whose `METHOD /path?query` matches, the first so many of them; the latest rule wins. */
  disturb(line: RegExp, fault: Fault, times?: number): void;
  heal(): void;
}

/** Makes the disturbances; `take` is asked at each call. */
export function createFaults(): {
  readonly faults: Faults;
  readonly take: (line: string) => Fault | null;
} {
  let rules: { readonly line: RegExp; readonly fault: Fault; left: number }[] = [];
  return {
    faults: {
      disturb: (line, fault, times = Infinity) => void rules.push({ line, fault, left: times }),
      heal: () => void (rules = []),
    },
    take: (line) => {
      const rule = rules.findLast((one) => one.left > 0 && one.line.test(line));
      if (rule) rule.left -= 1;
      return rule?.fault ?? null;
    },
  };
}
