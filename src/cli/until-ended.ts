import { setTimeout as sleep } from "node:timers/promises";
import { note } from "./output.ts";
import { patiently, POLL_MILLIS } from "./patiently.ts";

/** Something that goes on at the server while a command watches it. */
interface Watched<T> {
  readonly look: () => Promise<T>;
  /** Tells what is new; called after every look. */
  readonly tell: (now: T) => void;
  readonly hasEnded: (now: T) => boolean;
  /** The command line that watches it again. */
  readonly again: string;
}

/** The exit code of a program that Ctrl-C ended, as shells have it. */
const INTERRUPTED = 130;

/** Looks until it has ended, and returns how it is then. Ctrl-C ends the watching alone. */
export async function untilEnded<T>({ look, tell, hasEnded, again }: Watched<T>): Promise<T> {
  const leave = (): void => {
    note(`\nIt goes on. Watch it again with: ${again}`);
    process.exit(INTERRUPTED);
  };
  process.once("SIGINT", leave);
  try {
    for (;;) {
      const now = await patiently(look);
      tell(now);
      if (hasEnded(now)) return now;
      await sleep(POLL_MILLIS);
    }
  } finally {
    process.off("SIGINT", leave);
  }
}
