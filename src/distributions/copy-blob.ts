import type { ReleaseItem } from "../releases/release-item.ts";
import type { CopyRun } from "./copy-run.ts";
import { addMountSources, markBlobVerified, type SizedBlob } from "./distribution-blob-store.ts";
import { placeBlob } from "./place-blob.ts";

/**
 * Brings one blob to the target registry, once for all images that share it, as a step of its own.
 * Where one image's source or target refuses, the next one's is tried. Returns the repository that has it.
 */
export async function copyBlob(
  run: CopyRun,
  blob: SizedBlob,
  wantedBy: readonly ReleaseItem[],
): Promise<string> {
  const place = await run.task.step(
    `blob:${blob.digest}`,
    () => placeForOne(run, blob, wantedBy),
    async (db, { connectionId, repository }) => {
      const now = run.ctx.now();
      await markBlobVerified(db, run.distribution.id, blob.digest, now);
      const written = { projectId: run.content.projectId, connectionId, repository };
      await addMountSources(db, written, [blob.digest], now);
    },
  );
  run.moving.reset(blob.digest);
  return place.repository;
}

async function placeForOne(run: CopyRun, blob: SizedBlob, wantedBy: readonly ReleaseItem[]) {
  let refusal: unknown = new Error(`nobody wants ${blob.digest}`);
  for (const item of wantedBy) {
    try {
      await placeBlob(run, item, blob, null);
      return { connectionId: item.target.connectionId ?? "", repository: item.target.repository };
    } catch (error) {
      run.task.signal.throwIfAborted();
      refusal = error;
    }
  }
  throw refusal;
}
