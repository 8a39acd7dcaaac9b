/** What the wrapper is told over its standard input: nothing of it stands on a command line. */
export interface RunOrder {
  readonly id: string;
  /** Absolute. */
  readonly runsDirectory: string;
  /** The program's name. */
  readonly program: string;
  readonly argv: readonly string[];
  readonly workingDirectory: string;
  /** As whom it runs; null: as the server's own user. */
  readonly account: { readonly uid: number; readonly gid: number } | null;
  /** All that the program sees, but for the path of its release file. */
  readonly environment: Readonly<Record<string, string>>;
  /** What its log must not show. */
  readonly secrets: readonly string[];
  readonly timeoutMillis: number;
  readonly logLimitBytes: number;
  readonly releaseJson: string;
}

/** What it answers, in one line of JSON. `taken`: another wrapper has claimed the run. `failed`: nobody has, by us. */
export type WrapperAnswer =
  | { readonly kind: "claimed" }
  | { readonly kind: "taken" }
  | { readonly kind: "failed"; readonly text: string };
