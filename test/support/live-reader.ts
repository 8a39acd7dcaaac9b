import { type ReceivedEvent, readEvents } from "../../src/kernel/event-stream.ts";

/** A reader of a live stream that keeps all it gets. */
export interface LiveReader {
  readonly status: number;
  readonly headers: Headers;
  /** Everything as it came, comments included. */
  text(): string;
  readonly events: readonly ReceivedEvent[];
  /** Goes away. */
  leave(): Promise<void>;
  /** Resolves when the stream is over: true when the server ended it, false when it broke off. */
  readonly ended: Promise<boolean>;
}

export interface ReadOptions {
  readonly token: string;
  /** Behind the path: `?release=…`. */
  readonly query?: string;
  readonly lastEventId?: number | string;
}

/** Opens the live stream of a project; what is no stream is read as text. */
export async function readLive(server: string, project: string, options: ReadOptions): Promise<LiveReader> {
  const leaving = new AbortController();
  const { token, query = "", lastEventId } = options;
  const reply = await fetch(`${server}/v1/projects/${project}/live${query}`, {
    signal: leaving.signal,
    headers: {
      authorization: `Bearer ${token}`,
      ...(lastEventId !== undefined && { "last-event-id": String(lastEventId) }),
    },
  });
  const parts: string[] = [];
  const events: ReceivedEvent[] = [];
  async function* read(): AsyncGenerator<string> {
    for await (const part of reply.body?.pipeThrough(new TextDecoderStream()) ?? []) {
      parts.push(part);
      yield part;
    }
  }
  const reading = (async () => {
    for await (const event of readEvents(read())) events.push(event);
  })();
  const ended = reading.then(
    () => true,
    () => false,
  );
  return {
    status: reply.status,
    headers: reply.headers,
    text: () => parts.join(""),
    events,
    ended,
    leave: async () => {
      leaving.abort();
      await ended;
    },
  };
}
