import { blobIntake } from "./blob-intake.ts";
import type { BlobProgress } from "./blob-progress.ts";
import type { SlabSocket, TakenBytes } from "./slab-socket.ts";
import { type Side, watchForStalls } from "./stall-watch.ts";

/*
 * Moves the bytes of one blob from socket to socket: each slab is hashed once and written once, without streams, copies
 * or disk. Back-pressure goes from the target's socket to the source's. The last bytes leave only when all of them
 * have the right digest; otherwise the target is left with an unfinished request and stores nothing.
 */

/** How a piece of piping ended. */
export type PipeEnd =
  /** All bytes are with the target's connection. */
  | { readonly kind: "sent" }
  /** The target answered, or began to, before all bytes were with its connection. */
  | { readonly kind: "answered" }
  /** All bytes came, and are not the right ones; the last of them were not sent. */
  | { readonly kind: "wrong"; readonly digest: string }
  | { readonly kind: "broke"; readonly side: Side; readonly error: Error };

export interface PipeJob {
  /** Where the body waits; its head is read. */
  readonly source: SlabSocket;
  /** The position in the blob of the source's next byte. */
  readonly streamAt: number;
  /** Where the head of the upload has been sent. */
  readonly target: SlabSocket;
  readonly digest: string;
  readonly progress: BlobProgress;
  /** A side that moves next to nothing for this long is given up, in milliseconds. */
  readonly stallMillis: number;
  readonly onRead: (count: number) => void;
  readonly signal: AbortSignal | undefined;
}

/** Enough for one write; smaller arrivals are gathered until the end of the turn. */
const LARGE_BYTES = 512 * 1024;
/** Between these many bytes on their way to the target the source is held back and let go. */
const MOST_UNDER_WAY = 2 * 1024 * 1024;
const FEW_UNDER_WAY = 1024 * 1024;

const STALLED = "UND_ERR_BODY_TIMEOUT";

/** Pipes until an end; leaves both sockets open. Rejects only with the signal's reason. */
export function pipeBlob(job: PipeJob): Promise<PipeEnd> {
  return new Promise((resolve, reject) => {
    const pump = preparePump(job, (end) => {
      job.signal?.removeEventListener("abort", abort);
      resolve(end);
    });
    const abort = (): void => {
      pump.stop();
      reject(job.signal?.reason);
    };
    job.signal?.addEventListener("abort", abort, { once: true });
    if (job.signal?.aborted) return abort();
    job.source.listen(pump.arrived);
    job.target.listen(pump.flush);
    job.source.resume();
    pump.flush();
  });
}

interface Pump {
  /** Something has come from the source. */
  readonly arrived: () => void;
  /** One turn: looks at both ends, takes what waits and sends it. */
  readonly flush: () => void;
  readonly stop: () => void;
}

function preparePump(job: PipeJob, onEnd: (end: PipeEnd) => void): Pump {
  const { source, target, progress } = job;
  let turn: NodeJS.Immediate | null = null;
  let held = false;
  let ended = false;

  const outlet = blobOutlet(target, (count) => sent(count));
  const intake = blobIntake(source, job.streamAt, progress, (count) => {
    watch.moved(count);
    job.onRead(count);
  });
  const watch = watchForStalls(
    job.stallMillis,
    () => (outlet.underWay() > 0 ? "target" : "source"),
    (side) => finish({ kind: "broke", side, error: stalled() }),
  );

  function stop(): void {
    ended = true;
    watch.stop();
    if (turn) clearImmediate(turn);
    source.listen(() => {});
    target.listen(() => {});
  }

  function finish(end: PipeEnd | null): void {
    if (ended || end === null) return;
    stop();
    onEnd(end);
  }

  function flush(): void {
    turn = null;
    finish(endAtTarget(target));
    if (ended) return;
    intake.noteArrivals();
    intake.passOver();
    if (intake.waiting() > 0) outlet.send(intake.take(), isWrong(job));
    finish(endOfBytes(job, outlet.underWay()) ?? endAtSource(source, intake.left(), outlet.underWay()));
    if (ended || held || outlet.underWay() < MOST_UNDER_WAY) return;
    held = true;
    source.hold();
  }

  function sent(count: number): void {
    if (ended) return;
    watch.moved(count);
    progress.sent(count);
    finish(endOfBytes(job, outlet.underWay()));
    if (ended) return;
    if (source.ended() !== null && outlet.underWay() === 0) return flush();
    if (!held || outlet.underWay() > FEW_UNDER_WAY) return;
    held = false;
    source.resume();
    flush();
  }

  const arrived = (): void => {
    const enough = intake.waiting() >= Math.min(LARGE_BYTES, intake.left()) || source.ended() !== null;
    if (enough && !held) flush();
    else turn ??= setImmediate(flush);
  };
  return { arrived, flush, stop };
}

/** The target's end: what is on its way and not yet with the kernel. */
function blobOutlet(target: SlabSocket, onSent: (count: number) => void) {
  let underWay = 0;
  return {
    underWay: (): number => underWay,
    /** Bytes that turned out wrong stay here. */
    send(taken: TakenBytes, isWrong: boolean): void {
      if (isWrong) return taken.giveBack();
      const count = taken.bytes.length;
      underWay += count;
      target.send(taken.bytes, () => {
        taken.giveBack();
        underWay -= count;
        onSent(count);
      });
    },
  };
}

const stalled = (): Error => Object.assign(new Error(STALLED), { code: STALLED });

function endAtTarget(target: SlabSocket): PipeEnd | null {
  if (target.waiting().length > 0) return { kind: "answered" };
  const error = target.ended();
  return error ? { kind: "broke", side: "target", error } : null;
}

/** Only when nothing is under way: a source that breaks again and again must not fill the memory for a slow target. */
function endAtSource(source: SlabSocket, left: number, underWay: number): PipeEnd | null {
  const error = source.ended();
  return error && left > 0 && underWay === 0 ? { kind: "broke", side: "source", error } : null;
}

const isComplete = ({ progress }: PipeJob): boolean => progress.hashed() === progress.sizeBytes;
const isWrong = (job: PipeJob): boolean => isComplete(job) && job.progress.digest() !== job.digest;

/** The end when no byte is missing: all were sent, or they are not the right ones. */
function endOfBytes(job: PipeJob, underWay: number): PipeEnd | null {
  if (isWrong(job)) return { kind: "wrong", digest: job.progress.digest() };
  return isComplete(job) && underWay === 0 ? { kind: "sent" } : null;
}
