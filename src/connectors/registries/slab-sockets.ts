import { guardedSocket, type OpenSocket, type Resolve } from "../guarded-connect.ts";
import { type HttpRules, stopping } from "../http-client.ts";
import { openSlabSocket, type SlabSocket } from "./slab-socket.ts";

/** `read`: large slabs, for blobs on their way in. `write`: little memory, for the short answers to uploads. */
export type SocketUse = "read" | "write";

/** Sockets for the blob pipe; those that have served well wait a moment for the next blob. */
export interface SlabSockets {
  /**
   * An open socket to the origin of this address. `reused`: the other side may close it at any moment. Throws
   * ExternalSystemError once closed.
   */
  take(
    url: URL,
    rules: HttpRules,
    use: SocketUse,
  ): Promise<{ readonly socket: SlabSocket; readonly reused: boolean }>;
  /** Gives back a socket on which a whole answer has been read. */
  giveBack(url: URL, rules: HttpRules, use: SocketUse, socket: SlabSocket): void;
  close(): void;
}

export interface SlabSocketOptions {
  readonly connectMillis?: number | undefined;
  readonly resolve?: Resolve | undefined;
}

const SLAB_BYTES: Readonly<Record<SocketUse, number>> = { read: 1024 * 1024, write: 64 * 1024 };
/** Shorter than servers and the boxes between usually wait. */
const IDLE_MILLIS = 4_000;
const IDLE_PER_KEY = 12;

interface Idle {
  readonly socket: SlabSocket;
  readonly timer: NodeJS.Timeout;
}

export function createSlabSockets(options: SlabSocketOptions = {}): SlabSockets {
  const doors = new Map<string, OpenSocket>();
  const idle = new Map<string, Idle[]>();
  const all = new Set<SlabSocket>();
  let closed = false;

  function doorFor({ allowPrivate, caPem }: HttpRules): OpenSocket {
    const key = JSON.stringify([allowPrivate, caPem]);
    const timeoutMillis = options.connectMillis ?? 10_000;
    const door =
      doors.get(key) ?? guardedSocket({ allowPrivate, caPem, timeoutMillis, resolve: options.resolve });
    doors.set(key, door);
    return door;
  }

  const keyOf = (url: URL, { allowPrivate, caPem }: HttpRules, use: SocketUse): string =>
    JSON.stringify([url.origin, allowPrivate, caPem, use]);

  function drop(key: string, entry: Idle): void {
    clearTimeout(entry.timer);
    entry.socket.destroy();
    // With it goes its memory.
    all.delete(entry.socket);
    const left = (idle.get(key) ?? []).filter((other) => other !== entry);
    if (left.length > 0) idle.set(key, left);
    else idle.delete(key);
  }

  return {
    take: async (url, rules, use) => {
      if (closed) throw stopping(rules, url);
      const waiting = idle.get(keyOf(url, rules, use))?.pop();
      if (waiting) {
        clearTimeout(waiting.timer);
        return { socket: waiting.socket, reused: true };
      }
      const socket = await openSlabSocket(doorFor(rules), url, SLAB_BYTES[use]);
      for (const other of all) if (other.ended()) all.delete(other);
      all.add(socket);
      if (closed) {
        socket.destroy();
        throw stopping(rules, url);
      }
      return { socket, reused: false };
    },
    giveBack: (url, rules, use, socket) => {
      const key = keyOf(url, rules, use);
      const others = idle.get(key) ?? [];
      // Bytes that nobody asked for would be taken for the next answer.
      if (closed || socket.ended() || socket.waiting().length > 0 || others.length >= IDLE_PER_KEY)
        return socket.destroy();
      const entry: Idle = { socket, timer: setTimeout(() => drop(key, entry), IDLE_MILLIS) };
      socket.listen(() => drop(key, entry));
      socket.resume();
      idle.set(key, [...others, entry]);
    },
    close: () => {
      closed = true;
      for (const { timer } of [...idle.values()].flat()) clearTimeout(timer);
      idle.clear();
      for (const socket of all) socket.destroy();
    },
  };
}
