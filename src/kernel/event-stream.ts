/*
 * The wire form of server-sent events (HTML Living Standard, section 9.2): blocks of `field: value` lines with an empty
 * line behind each. A block with an id and no data sets what a client sends as Last-Event-ID, and is no event.
 */

/** What the server says in one block; data becomes one line of JSON. */
export interface SentEvent {
  readonly event?: string;
  readonly id?: number;
  readonly retryMillis?: number;
  readonly data?: unknown;
}

export function eventText({ event, id, retryMillis, data }: SentEvent): string {
  const lines = [
    ...(retryMillis === undefined ? [] : [`retry: ${retryMillis}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(data === undefined ? [] : [`data: ${JSON.stringify(data)}`]),
  ];
  return `${lines.join("\n")}\n\n`;
}

/** A line that keeps a connection in use and says nothing. */
export const commentText = (text: string): string => `: ${text}\n\n`;

/** An event as a client gets it. */
export interface ReceivedEvent {
  /** `message` when the server gave it no name. */
  readonly event: string;
  /** The last id so far; empty before the first one. */
  readonly lastId: string;
  readonly data: string;
}

/** Reads events as they come; an unfinished one at the end is dropped. */
export async function* readEvents(
  parts: AsyncIterable<string> | Iterable<string>,
): AsyncGenerator<ReceivedEvent> {
  let rest = "";
  let lastId = "";
  let event = "";
  let data: string[] = [];
  for await (const part of parts) {
    const lines = (rest + part).split(/\r?\n/);
    rest = lines.pop() ?? "";
    for (const line of lines) {
      if (line === "") {
        if (data.length > 0) yield { event: event || "message", lastId, data: data.join("\n") };
        event = "";
        data = [];
        continue;
      }
      const [, field, value = ""] = /^([^:]*)(?:: ?(.*))?$/.exec(line) ?? [];
      if (field === "event") event = value;
      else if (field === "data") data.push(value);
      else if (field === "id") lastId = value;
    }
  }
}
