import { createHash, type Hash } from "node:crypto";

/**
 * How far one blob has come, kept while connections break and are made again. Positions are bytes from its beginning:
 *   hashed   what of the source has gone through the hash.
 *   sendFrom what the target has already: bytes before it are hashed, but not sent again.
 * The hash is kept at marks, so that it can go back to where the target stopped.
 */
export interface BlobProgress {
  readonly sizeBytes: number;
  hashed(): number;
  sendFrom(): number;
  /** Puts the next bytes through the hash. */
  add(bytes: Uint8Array): void;
  /** So many more bytes are with the target's connection. */
  sent(count: number): void;
  /** The target kept only this many bytes: goes back to the last mark before them. */
  rewindTo(kept: number): void;
  /** The digest of what was hashed. */
  digest(): string;
  /** The most that was ever hashed: what tells a connection that breaks from one that never gets anywhere. */
  furthest(): number;
  /** Everything has arrived at the target. */
  complete(): void;
}

const MARK_BYTES = 8 * 1024 * 1024;

interface Mark {
  readonly at: number;
  readonly hash: Hash;
}

/** `onBytes` hears of bytes sent; of a negative number when some have to be sent again. */
export function blobProgress(sizeBytes: number, onBytes: (count: number) => void): BlobProgress {
  let marks: Mark[] = [];
  let hash = createHash("sha256");
  let [hashed, sendFrom, counted, furthest] = [0, 0, 0, 0];
  let digest: string | null = null;

  const count = (bytes: number): void => {
    counted += bytes;
    if (bytes !== 0) onBytes(bytes);
  };

  return {
    sizeBytes,
    hashed: () => hashed,
    sendFrom: () => sendFrom,
    add: (bytes) => {
      hash.update(bytes);
      digest = null;
      hashed += bytes.length;
      furthest = Math.max(furthest, hashed);
      if (hashed - (marks.at(-1)?.at ?? 0) >= MARK_BYTES) marks.push({ at: hashed, hash: hash.copy() });
    },
    sent: count,
    rewindTo: (kept) => {
      marks = marks.filter(({ at }) => at <= kept);
      const mark = marks.at(-1);
      hash = mark ? mark.hash.copy() : createHash("sha256");
      digest = null;
      [hashed, sendFrom] = [mark?.at ?? 0, kept];
      count(kept - counted);
    },
    digest: () => (digest ??= `sha256:${hash.copy().digest("hex")}`),
    furthest: () => furthest,
    complete: () => count(sizeBytes - counted),
  };
}
