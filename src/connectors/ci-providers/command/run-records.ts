import * as z from "zod";

/** A process that another one cannot be mistaken for: numbers are used again, but not at the same moment of a place. */
export const ProcessRecord = z.strictObject({
  pid: z.int().positive(),
  /** When it began, as the system counts; compared only for equality. */
  started: z.string().min(1),
  /** The boot of the machine and the container's own process numbers. */
  place: z.string().min(1),
});
export type ProcessRecord = z.infer<typeof ProcessRecord>;

/** What a run's directory holds from its first moment. */
export const RunClaim = z.strictObject({
  id: z.string(),
  program: z.string(),
  wrapper: ProcessRecord,
  claimedAt: z.iso.datetime(),
});
export type RunClaim = z.infer<typeof RunClaim>;

/** How a run ended; written once. */
export const RunEnd = z.strictObject({
  endedAt: z.iso.datetime(),
  code: z.int().nullable(),
  signal: z.string().nullable(),
  /** Why the program never ran; null: it did. */
  notStarted: z.string().nullable(),
  /** Somebody had asked for its end before it came. */
  canceled: z.boolean(),
  timedOut: z.boolean(),
});
export type RunEnd = z.infer<typeof RunEnd>;

/** That somebody asked for a run's end. */
export interface CancelMark {
  readonly force: boolean;
  /** Where it was asked for: elsewhere, only the wrapper can reach the program. */
  readonly place: string;
}
