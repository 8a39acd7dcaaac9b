import { Buffer } from "node:buffer";

/** An answer whose body is still on its way: read it, stream it or discard it, or its connection stays taken. */
export interface HttpReply {
  readonly status: number;
  /** Where it came from, after redirects. */
  readonly url: URL;
  header(name: string): string | null;
  /** The whole body; fails when it is longer than this, or takes longer than small bodies may. */
  bytes(limitBytes: number): Promise<Buffer>;
  /** The beginning of the body, at most this long, in the time of a small body; the rest is dropped. */
  beginning(limitBytes: number): Promise<Buffer>;
  /** The body as it comes. Leaving the loop drops the rest. */
  stream(): AsyncGenerator<Uint8Array, void, void>;
  /** Reads away a short rest, so that the connection can be used again; drops one that is long or takes long. */
  discard(): Promise<void>;
  /** Drops whatever has not come yet, with its connection. */
  drop(): Promise<void>;
}

/** What the network layer gives. */
export interface RawReply {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: AsyncIterable<Uint8Array> & {
    dump(options?: { limit: number }): Promise<void>;
    destroy(error: Error): unknown;
  };
}

/** What holds for reading an answer: how failures become errors for the caller, and how long it may take. */
export interface ReplyRules {
  translate(error: unknown): unknown;
  tooLong(limitBytes: number): Error;
  tooSlow(): Error;
  /** How long a body that is read whole may take, in milliseconds: one that trickles never stalls. */
  readonly smallBodyMillis: number;
}

async function readUpTo(stream: AsyncIterable<Uint8Array>, limitBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    length += chunk.length;
    if (length > limitBytes) break;
  }
  return Buffer.concat(chunks);
}

/** Wraps an answer of the network layer. */
export function httpReply(url: URL, raw: RawReply, rules: ReplyRules): HttpReply {
  async function* stream(): AsyncGenerator<Uint8Array, void, void> {
    try {
      yield* raw.body;
    } catch (error) {
      throw rules.translate(error);
    }
  }
  async function inTime<T>(reading: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => raw.body.destroy(rules.tooSlow()), rules.smallBodyMillis);
    try {
      return await reading();
    } finally {
      clearTimeout(timer);
    }
  }
  const readInTime = (limitBytes: number): Promise<Buffer> => inTime(() => readUpTo(stream(), limitBytes));
  return {
    status: raw.statusCode,
    url,
    header: (name) => {
      const value = raw.headers[name];
      return (Array.isArray(value) ? value.join(", ") : value) ?? null;
    },
    bytes: async (limitBytes) => {
      const bytes = await readInTime(limitBytes);
      if (bytes.length > limitBytes) throw rules.tooLong(limitBytes);
      return bytes;
    },
    beginning: async (limitBytes) => (await readInTime(limitBytes)).subarray(0, limitBytes),
    stream,
    discard: () => inTime(() => raw.body.dump()),
    drop: () => raw.body.dump({ limit: 1 }),
  };
}
