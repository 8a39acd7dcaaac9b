import type { ProgressEdition } from "../distributions/progress-editions.ts";
import { isRunning } from "../distributions/distribution.ts";
import { eventText } from "../kernel/event-stream.ts";

/** Between two reports to one reader at least: at most two a second. */
const GAP_MILLIS = 500;

/**
 * What one reader is told of copies: first all that are under way, then what changes. Empty when nothing is new; `ring` is
 * called when it was too early for what is.
 */
export function progressNews(editions: () => readonly ProgressEdition[], ring: () => void): () => string {
  let told = new Map<string, number>();
  let begun = false;
  let toldAt = -Infinity;
  let timer: NodeJS.Timeout | undefined;
  return () => {
    const now = editions();
    // What ended before the reader came is no news.
    if (!begun) told = new Map(now.filter(hasEnded).map(({ whole, number }) => [whole.id, number]));
    begun = true;
    const fresh = now.filter(({ whole, number }) => told.get(whole.id) !== number);
    if (fresh.length === 0) return "";
    const waitMillis = toldAt + GAP_MILLIS - performance.now();
    if (waitMillis > 0) {
      clearTimeout(timer);
      timer = setTimeout(ring, waitMillis);
      return "";
    }
    const text = fresh.map((edition) => textOf(edition, told.get(edition.whole.id))).join("");
    told = new Map(now.map(({ whole, number }) => [whole.id, number]));
    toldAt = performance.now();
    return text;
  };
}

const hasEnded = ({ whole }: ProgressEdition): boolean => !isRunning(whole.status);

const texts = new WeakMap<ProgressEdition, { whole?: string; changes?: string }>();

/** Written once for all readers: the changes for one who knows the edition before, else the whole. */
function textOf(edition: ProgressEdition, known: number | undefined): string {
  const written = texts.get(edition) ?? {};
  texts.set(edition, written);
  return known !== undefined && known === edition.before
    ? (written.changes ??= eventText({ event: "progress", data: edition.changes }))
    : (written.whole ??= eventText({ event: "progress", data: edition.whole }));
}
