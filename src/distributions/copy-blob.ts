import type { Referrer } from "../releases/referrer.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import type { CopyRun } from "./copy-run.ts";
import { addMountSources, markBlobsVerified, type SizedBlob } from "./distribution-blob-store.ts";
import { placeBlob } from "./place-blob.ts";

/** An image that has a blob, and the blob as this image's own manifest describes it. */
export interface BlobWish {
  readonly item: ReleaseItem;
  readonly blob: SizedBlob;
  /** What is attached to the image and has the blob; null when the image itself has it. */
  readonly referrer: Referrer | null;
}

/**
 * Brings one blob to the target registry, once for all images that share it, as a step of its own.
 * Where one image's source or target refuses, the next one's is tried. Returns the repository that has it.
 * `inTurn` bounds how many move at a time; what is written afterwards does not wait for it.
 */
export async function copyBlob(
  run: CopyRun,
  digest: string,
  wishes: readonly BlobWish[],
  inTurn: <T>(place: () => Promise<T>) => Promise<T>,
): Promise<string> {
  const placing = run.task.stepWith(
    `blob:${digest}`,
    () => inTurn(() => placeForOne(run, digest, wishes)),
    (db, { connectionId, repository, arrival }) => {
      const now = run.ctx.now();
      const written = { projectId: run.content.projectId, connectionId, repository };
      return [
        ...markBlobsVerified(db, run.distribution.id, [digest], arrival, now),
        ...addMountSources(db, written, [digest], now),
      ];
    },
  );
  const { repository } = await placing.finally(() => run.moving.reset(digest));
  return repository;
}

async function placeForOne(run: CopyRun, digest: string, wishes: readonly BlobWish[]) {
  let refusal: unknown = new Error(`nobody wants ${digest}`);
  for (const { item, blob } of wishes) {
    try {
      const arrival = await placeBlob(run, item, blob, null);
      return { connectionId: item.target.connectionId ?? "", repository: item.target.repository, arrival };
    } catch (error) {
      run.task.signal.throwIfAborted();
      refusal = error;
    }
  }
  throw refusal;
}
