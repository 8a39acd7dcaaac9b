import type { Command } from "commander";
import { misuse } from "./failure.ts";

/** The wish to pass gates that are closed. */
export interface ForceOption {
  readonly force?: true;
  readonly reason?: string;
}

/** Adds `--force` with its reason. */
export const forceable = (command: Command): Command =>
  command
    .option("--force", "pass the gates that are closed now, as far as your role may; needs --reason")
    .option("--reason <text>", "why; it stays with the deployment");

/** The field of a request's body that says so; none when nothing was said. Throws CommandFailure. */
export function forceField({ force, reason }: ForceOption): { readonly force?: { readonly reason: string } } {
  if (force && reason === undefined)
    throw misuse("--force needs a --reason, which stays with the deployment");
  if (!force && reason !== undefined) throw misuse("--reason goes with --force alone");
  return reason === undefined ? {} : { force: { reason } };
}
