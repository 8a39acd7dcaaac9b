import type { LiveEvent } from "../audit/event.ts";
import type { Bell } from "../kernel/bell.ts";
import type { DomainError } from "../kernel/errors.ts";
import { commentText, eventText } from "../kernel/event-stream.ts";
import type { StreamEnd } from "./contract/live.ts";

/*
 * One live stream, as the text that goes to its reader. Nothing is queued: what comes next is looked up when the reader has
 * taken what was said before.
 *   going   news as they come, a heartbeat when there was none for a while, and now and then a look whether the reader
 *           may still read. → ended by a refusal, with a last event; by the server's stop or the reader's going, without.
 * Always: events in the order of their sequence, each once; progress never more often than the gap allows.
 */

/** How a stream keeps time, in milliseconds. */
export interface LiveTimes {
  readonly heartbeatMillis: number;
  /** Between two looks whether the reader may still read. */
  readonly recheckMillis: number;
  /** How long a reader may take nothing. */
  readonly stallMillis: number;
}

/** What a stream is made of. */
export interface LiveParts {
  /** The sequence behind which it begins. */
  readonly after: number;
  /** Rung when there may be news, and when `signal` is aborted. */
  readonly bell: Bell;
  /** Aborted when nobody wants the stream any more. */
  readonly signal: AbortSignal;
  /** The next sealed events behind a sequence. */
  readonly nextEvents: (after: number) => Promise<readonly LiveEvent[]>;
  /** False for an event that this reader did not ask for. */
  readonly wants: (event: LiveEvent) => boolean;
  /** What there is to tell of copies since the last call; empty when there is nothing. */
  readonly progress: () => string;
  /** Why the reader may not go on reading; null while it may. */
  readonly refusal: () => Promise<DomainError | null>;
  /** The reader has taken nothing for too long. */
  readonly onStall: () => void;
}

export async function* liveText(parts: LiveParts, times: LiveTimes): AsyncGenerator<string> {
  const { bell, signal } = parts;
  const news = newsOf(parts);
  let saidAt = performance.now();
  let checkedAt = saidAt;
  // A block without data is no event: it tells the client where to go on, should nothing come before the connection breaks.
  let text = eventText({ retryMillis: retryMillis(), id: parts.after });
  while (!signal.aborted) {
    if (text !== "") {
      const stalled = setTimeout(parts.onStall, times.stallMillis);
      yield text;
      clearTimeout(stalled);
      saidAt = performance.now();
    }
    if (performance.now() - checkedAt >= times.recheckMillis) {
      const refusal = await parts.refusal();
      if (refusal) {
        yield endText(refusal);
        return;
      }
      checkedAt = performance.now();
    }
    text = await news();
    if (text !== "") continue;
    const silentMillis = performance.now() - saidAt;
    if (silentMillis >= times.heartbeatMillis) text = commentText("heartbeat");
    else
      await bell.wait(
        Math.min(
          times.heartbeatMillis - silentMillis,
          Math.max(times.recheckMillis - (performance.now() - checkedAt), 0),
        ),
      );
  }
}

const RETRY_MILLIS = 1_000;
/** Not all clients of a server that has gone come back at the same moment. */
const retryMillis = (): number => Math.round(RETRY_MILLIS * (1 + 2 * Math.random()));

const endText = ({ code, message }: DomainError): string =>
  eventText({ event: "end", data: { reason: code, detail: message } satisfies StreamEnd });

/** What is new since the last call; empty when nothing is. */
function newsOf({ after, nextEvents, wants, progress }: LiveParts): () => Promise<string> {
  let position = after;
  return async () => {
    for (;;) {
      const events = await nextEvents(position);
      position = events.at(-1)?.sequence ?? position;
      const text = events.filter(wants).map(textOf).join("") + progress();
      if (text !== "" || events.length === 0) return text;
    }
  };
}

const texts = new WeakMap<LiveEvent, string>();

/** Written once for all readers. */
function textOf(event: LiveEvent): string {
  const known = texts.get(event);
  if (known !== undefined) return known;
  const text = eventText({ id: event.sequence, data: event });
  texts.set(event, text);
  return text;
}
