import { type Command, InvalidArgumentError } from "commander";

/** What every command takes. */
export interface JsonOption {
  readonly json?: true;
}

export interface LimitOption {
  readonly limit: number;
}

const DEFAULT_LIMIT = 100;

/** A whole number above zero, for an option. */
function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
}

/** Adds `--limit` to a command that lists. */
export const limited = (command: Command): Command =>
  command.option("--limit <number>", "show so many at most", positiveNumber, DEFAULT_LIMIT);

/** Whether what is attached to images is copied with them; undefined: not said. */
export interface ReferrersOption {
  readonly withReferrers?: true;
  readonly withoutReferrers?: true;
}

/** Adds both answers to the question. */
export const askedForReferrers = (command: Command): Command =>
  command
    .option("--with-referrers", "copy what is attached to the images, such as signatures and SBOMs")
    .option("--without-referrers", "copy the images alone");

/** The field of a request's body that says so; none when nothing was said. */
export const referrersField = ({ withReferrers, withoutReferrers }: ReferrersOption) => ({
  ...((withReferrers ?? withoutReferrers) !== undefined && { withReferrers: withReferrers ?? false }),
});

/** For an option that may be repeated. */
export const collect = (value: string, earlier: string[] | undefined): string[] => [
  ...(earlier ?? []),
  value,
];
