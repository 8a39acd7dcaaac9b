import { setTimeout as pause } from "node:timers/promises";

/** What becomes of a body on its way through a registry's door. Numbers count bytes. */
export type Bend =
  /** So much passes, then the connection is reset. */
  | { readonly cutAfter: number }
  /** So much passes, then the body ends as if that were all. */
  | { readonly endAfter: number }
  /** So much passes, then nothing more until the promise is kept. */
  | { readonly stopAfter: number; readonly until: Promise<unknown> }
  /** One byte is another one. */
  | { readonly flipAt: number }
  /** No more than this passes in a second, in small pieces. */
  | { readonly bytesPerSecond: number };

/** The connection is to be broken off here. */
export class ConnectionCut extends Error {
  override readonly name = "ConnectionCut";
}

type Body = AsyncIterable<Buffer>;

/** Long enough for what has passed to arrive before what comes next. */
const ARRIVAL_MILLIS = 50;

/** The body as this makes it. Throws ConnectionCut. */
export function bend(body: Body, how: Bend): Body {
  if ("cutAfter" in how) return cut(body, how.cutAfter);
  if ("endAfter" in how) return firstBytes(body, how.endAfter);
  if ("stopAfter" in how) return stopped(body, how.stopAfter, how.until);
  if ("flipAt" in how) return flipped(body, how.flipAt);
  return slowed(body, how.bytesPerSecond);
}

async function* firstBytes(body: Body, count: number): AsyncGenerator<Buffer> {
  let left = count;
  for await (const chunk of body) {
    yield chunk.subarray(0, left);
    left -= chunk.length;
    if (left <= 0) return;
  }
}

async function* cut(body: Body, after: number): AsyncGenerator<Buffer> {
  yield* firstBytes(body, after);
  await pause(ARRIVAL_MILLIS);
  throw new ConnectionCut();
}

async function* stopped(body: Body, after: number, until: Promise<unknown>): AsyncGenerator<Buffer> {
  let passed = 0;
  for await (const chunk of body) {
    const free = Math.max(after - passed, 0);
    passed += chunk.length;
    if (free > 0) yield chunk.subarray(0, free);
    if (free >= chunk.length) continue;
    await until;
    yield chunk.subarray(free);
  }
}

async function* flipped(body: Body, at: number): AsyncGenerator<Buffer> {
  let passed = 0;
  for await (const chunk of body) {
    const own = Buffer.from(chunk);
    const index = at - passed;
    passed += chunk.length;
    if (index >= 0 && index < own.length) own[index] = (own[index] ?? 0) ^ 1;
    yield own;
  }
}

/** Pieces in a second. */
const PIECES = 20;

async function* slowed(body: Body, bytesPerSecond: number): AsyncGenerator<Buffer> {
  const size = Math.max(1, Math.floor(bytesPerSecond / PIECES));
  for await (const chunk of body)
    for (let at = 0; at < chunk.length; at += size) {
      yield chunk.subarray(at, at + size);
      await pause(1000 / PIECES);
    }
}
