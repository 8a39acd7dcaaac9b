import { ExternalSystemError } from "../../../kernel/errors.ts";
import type { ResolvedCommit, SourceTarget } from "../source-host.ts";
import { DamagedMirrorError, type Found } from "./find-commit.ts";
import type { Mirror } from "./mirror.ts";

const HASH = /^[0-9a-f]{7,64}$/i;
/** A mirror that cannot be read after having been fetched anew will not be better the next time. */
const MOST_REPAIRS = 2;

/** What is wrong with a text that is no hash; null for one that may be. */
export function refuseText(text: string): ResolvedCommit | null {
  if (HASH.test(text)) return null;
  const shown = JSON.stringify(text.slice(0, 80).toWellFormed());
  return { kind: "invalid", text: `${shown} is not the hash of a commit: 7 to 64 hex digits are needed` };
}

/** The work's result, or the signal's reason when that comes first; the work itself goes on. */
export function whileOpen<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function answerOf(target: SourceTarget, text: string, found: Found): ResolvedCommit {
  const repository = target.url.pathname.slice(1);
  switch (found.kind) {
    case "commit":
      return found;
    case "none":
      return { kind: "invalid", text: `no commit of ${repository} begins with ${text}` };
    case "left":
      return { kind: "invalid", text: `no branch or tag of ${repository} leads to the commit ${text}` };
    case "several":
      return { kind: "invalid", text: `several commits of ${repository} begin with ${text}` };
  }
}

/** Looks; null when the mirror cannot be read, and not because another process put a new one in its place. */
async function lookTwice(mirror: Mirror, prefix: string, signal: AbortSignal): Promise<Found | null> {
  for (const _ of ["first", "again"]) {
    try {
      return await mirror.look(prefix, signal);
    } catch (error) {
      if (!(error instanceof DamagedMirrorError)) throw error;
    }
  }
  mirror.distrust();
  return null;
}

/**
 * Looks into the mirror, and where the commit is not there, once more after a fetch that began later than this call.
 * The signal ends the waiting, not the fetch.
 */
export async function resolveInMirror(
  mirror: Mirror,
  target: SourceTarget,
  text: string,
  signal: AbortSignal,
): Promise<ResolvedCommit> {
  const prefix = text.toLowerCase();
  let mark = mirror.turns.now();
  let repairs = 0;
  for (;;) {
    let found = await lookTwice(mirror, prefix, signal);
    if (found?.kind === "commit") return found;
    const fetched = await whileOpen<Awaited<ReturnType<typeof mirror.turns.after>>>(
      mirror.turns.after(mark),
      signal,
    );
    if (fetched?.kind === "no_repository") return fetched;
    if (fetched === null) continue;
    found = await lookTwice(mirror, prefix, signal);
    if (found) return answerOf(target, text, found);
    repairs += 1;
    if (repairs > MOST_REPAIRS) throw unreadable(target);
    mark = mirror.turns.now();
  }
}

const unreadable = ({ name, url }: SourceTarget): ExternalSystemError =>
  new ExternalSystemError(`reading from ${url.host}: what came cannot be read by git`, {
    system: name,
    retryable: false,
  });
