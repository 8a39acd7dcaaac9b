import { type Command, InvalidArgumentError } from "commander";
import { misuse } from "./failure.ts";

/** What every command takes. */
export interface JsonOption {
  readonly json?: true;
}

export interface LimitOption {
  readonly limit: number;
}

const DEFAULT_LIMIT = 100;

/** A whole number above zero, for an option. */
export function positiveNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError("It must be a whole number above 0.");
  return value;
}

/** A whole number from zero on, for an option. */
export function wholeNumber(text: string): number {
  const value = Number(text);
  if (text === "" || !Number.isInteger(value) || value < 0)
    throw new InvalidArgumentError("It must be a whole number.");
  return value;
}

/** A whole number above zero, for an argument of this name. Throws CommandFailure. */
export function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw misuse(`${name}: ${text} is no whole number above 0`);
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
export const collect = (value: string, earlier: string[] | false | undefined): string[] => [
  ...(earlier || []),
  value,
];

/** The fields of a request's body that were given. */
export const given = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Partial<T>;

/** The fields that shall be different. Throws CommandFailure when there are none. */
export function givenChange<T extends object>(fields: T): Partial<T> {
  const change = given(fields);
  if (Object.keys(change).length === 0) throw misuse("say what shall be different; --help lists what can be");
  return change;
}

/** Of an option with a `no-` form: null takes away, undefined says nothing. */
export const orNull = (value: string | false | undefined): string | null | undefined =>
  value === false ? null : value;
