import type { Socket } from "node:net";
import type { OpenSocket } from "../guarded-connect.ts";

/*
 * A socket that reads into memory of its own. The kernel (or TLS) fills a slab; whoever uses the socket takes views of
 * what has arrived and gives each back when the bytes have left for good. A slab is filled anew only when all its views
 * are back: TLS hands over several records after a pause, so two slabs in turn would overwrite bytes under way.
 */

/** Bytes that stay as they are until they are given back. */
export interface TakenBytes {
  readonly bytes: Buffer;
  giveBack(): void;
}

export interface SlabSocket {
  /** Called when bytes have arrived, and when the socket has ended. One listener at a time. */
  listen(listener: () => void): void;
  /** What has arrived and nobody took; a view that is good until the next call or event. */
  waiting(): Buffer;
  take(count: number): TakenBytes;
  /** Why nothing more will come; null while the socket is open. */
  ended(): Error | null;
  /** Stops reading, so that the other side must wait. */
  hold(): void;
  resume(): void;
  /** `sent`: the bytes are with the kernel. */
  send(bytes: string | Uint8Array, sent?: () => void): void;
  /** Leaves together with what is sent next: one call of the kernel less, and one packet. */
  sendWithNext(text: string): void;
  destroy(): void;
}

interface Slab {
  readonly bytes: Buffer;
  views: number;
  current: boolean;
}

/** TLS hands over records of at most 16 KiB; less room than that would cut them to pieces. */
const LEAST_ROOM = 16 * 1024;
const KEPT_SLABS = 3;

/** The memory of one socket. */
function slabs(slabBytes: number) {
  const free: Slab[] = [];
  let slab = fresh(slabBytes);
  let [start, end] = [0, 0];

  function fresh(least: number): Slab {
    const reused = least <= slabBytes ? free.pop() : undefined;
    if (!reused) return { bytes: Buffer.allocUnsafeSlow(least), views: 0, current: true };
    reused.current = true;
    return reused;
  }

  function retire(old: Slab): void {
    if (old.current || old.views > 0 || old.bytes.length !== slabBytes || free.length >= KEPT_SLABS) return;
    free.push(old);
  }

  /** What waits moves along; it is little, or the reader is held back. */
  function roll(): void {
    const old = slab;
    const rest = old.bytes.subarray(start, end);
    slab = fresh(Math.max(slabBytes, 2 * rest.length));
    rest.copy(slab.bytes);
    [start, end] = [0, rest.length];
    old.current = false;
    retire(old);
  }

  return {
    room(): Buffer {
      if (start === end && slab.views === 0) [start, end] = [0, 0];
      if (slab.bytes.length - end < LEAST_ROOM) roll();
      return slab.bytes.subarray(end);
    },
    arrived(count: number): void {
      end += count;
    },
    waiting: (): Buffer => slab.bytes.subarray(start, end),
    take(count: number): TakenBytes {
      const from = slab;
      const bytes = from.bytes.subarray(start, start + count);
      start += count;
      from.views += 1;
      let back = false;
      const giveBack = (): void => {
        if (back) return;
        back = true;
        from.views -= 1;
        retire(from);
      };
      return { bytes, giveBack };
    },
  };
}

/** Opens a socket to the origin of this address that reads into slabs of this size. */
export async function openSlabSocket(open: OpenSocket, url: URL, slabBytes: number): Promise<SlabSocket> {
  const memory = slabs(slabBytes);
  let listener = (): void => {};
  let failure: Error | null = null;
  let first = "";
  const socket: Socket = await open(url, {
    buffer: () => memory.room(),
    callback: (count) => {
      memory.arrived(count);
      listener();
      return true;
    },
  });
  const end = (error: Error): void => {
    if (failure) return;
    failure = error;
    listener();
  };
  socket.on("error", end);
  socket.on("close", () => end(Object.assign(new Error("the connection was cut"), { code: "ECONNRESET" })));
  return {
    listen: (next) => void (listener = next),
    waiting: () => memory.waiting(),
    take: (count) => memory.take(count),
    ended: () => failure,
    hold: () => void socket.pause(),
    resume: () => void socket.resume(),
    send: (bytes, sent) => {
      socket.cork();
      if (first !== "") socket.write(first, "latin1");
      first = "";
      // What cannot be written ends the socket too, which says why better than a write to an ended one.
      socket.write(bytes, (error) => (error ? undefined : sent?.()));
      socket.uncork();
    },
    sendWithNext: (text) => {
      first += text;
    },
    destroy: () => void socket.destroy(),
  };
}
