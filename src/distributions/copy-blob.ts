import type { Compilable } from "kysely";
import type { Referrer } from "../releases/referrer.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import type { Database } from "../storage/database.ts";
import type { CopyRun } from "./copy-run.ts";
import {
  addMountSources,
  type BlobHolder,
  markBlobsVerified,
  type SizedBlob,
} from "./distribution-blob-store.ts";
import type { BlobArrival } from "./distribution-progress.ts";
import { placeBlob } from "./place-blob.ts";

/** An image that has a blob, and the blob as this image's own manifest describes it. */
export interface BlobWish {
  readonly item: ReleaseItem;
  readonly blob: SizedBlob;
  /** What is attached to the image and has the blob; null when the image itself has it. */
  readonly referrer: Referrer | null;
}

/** Where a blob has got to, and how. */
interface PlacedBlob extends BlobHolder {
  readonly arrival: BlobArrival;
}

/** Brings blobs to the target registry; see `copyBlob`. */
export type CopyBlob = (
  digest: string,
  wishes: readonly BlobWish[],
  inTurn: <T>(place: () => Promise<T>) => Promise<T>,
) => Promise<string>;

/**
 * Brings one blob to the target registry, once for all images that share it, as a step of its own.
 * Where one image's source or target refuses, the next one's is tried. Returns the repository that has it.
 * `inTurn` bounds how many move at a time; what is written afterwards does not wait for it.
 */
export function blobCopier(run: CopyRun): CopyBlob {
  const step = run.task.manySteps<PlacedBlob>((db, placed) => notePlaced(db, run, placed));
  return async (digest, wishes, inTurn) => {
    const placing = step(`blob:${digest}`, () => inTurn(() => placeForOne(run, digest, wishes)));
    const { repository } = await placing.finally(() => run.moving.reset(digest));
    return repository;
  };
}

function notePlaced(db: Database, run: CopyRun, placed: readonly PlacedBlob[]): readonly Compilable[] {
  const now = run.ctx.now();
  const marked = [...Map.groupBy(placed, ({ arrival }) => arrival)].flatMap(([arrival, own]) =>
    markBlobsVerified(
      db,
      run.distribution.id,
      own.map(({ digest }) => digest),
      arrival,
      now,
    ),
  );
  return [...marked, ...addMountSources(db, run.content.projectId, placed, now)];
}

async function placeForOne(run: CopyRun, digest: string, wishes: readonly BlobWish[]): Promise<PlacedBlob> {
  let refusal: unknown = new Error(`nobody wants ${digest}`);
  for (const { item, blob } of wishes) {
    try {
      const arrival = await placeBlob(run, item, blob, null);
      const { connectionId, repository } = item.target;
      return { digest, connectionId: connectionId ?? "", repository, arrival };
    } catch (error) {
      run.task.signal.throwIfAborted();
      refusal = error;
    }
  }
  throw refusal;
}
