import type { BlobArrival } from "../connectors/registries/registry.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import type { CopyRun } from "./copy-run.ts";
import { dropMountSource, findMountSource, type SizedBlob } from "./distribution-blob-store.ts";

/**
 * Makes a blob appear in the item's target repository: it is there already, it is mounted from a repository of the
 * same registry that this project itself used, or its bytes are moved.
 * `heldBy`: the repository that got it in this run; its bytes are counted already. Throws ExternalSystemError.
 */
export async function placeBlob(
  run: CopyRun,
  item: ReleaseItem,
  blob: SizedBlob,
  heldBy: string | null,
): Promise<BlobArrival> {
  const source = await run.registryOf(item.source.connectionId);
  const target = await run.registryOf(item.target.connectionId);
  const { repository } = item.target;
  const mountFrom = await findHolder(run, item, blob, heldBy);
  const counts = heldBy === null;
  try {
    const arrival = await run.ctx.connectors.registries.copyBlob({
      source: { registry: source, repository: item.source.repository },
      target: { registry: target, repository },
      digest: blob.digest,
      sizeBytes: blob.sizeBytes,
      mountFrom,
      ...(counts && { onBytes: (count: number) => run.moving.add(blob.digest, count) }),
      signal: run.task.signal,
    });
    if (mountFrom !== null && arrival !== "mounted") await forgetHolder(run, item, blob, mountFrom);
    return arrival;
  } catch (error) {
    if (counts) run.moving.reset(blob.digest);
    throw error;
  }
}

const placeOf = (run: CopyRun, item: ReleaseItem, repository: string) => ({
  projectId: run.content.projectId,
  connectionId: item.target.connectionId ?? "",
  repository,
});

/** Another repository of the target's registry that has the blob, as far as this project knows. */
async function findHolder(
  run: CopyRun,
  item: ReleaseItem,
  blob: SizedBlob,
  heldBy: string | null,
): Promise<string | null> {
  const { connectionId, repository } = item.target;
  if (connectionId === null) return null;
  const sameRegistry = item.source.connectionId === connectionId ? item.source.repository : null;
  const near = heldBy ?? sameRegistry;
  const from = near ?? (await findMountSource(run.ctx.db, placeOf(run, item, repository), blob.digest));
  return from === repository ? null : from;
}

const forgetHolder = (run: CopyRun, item: ReleaseItem, blob: SizedBlob, from: string): Promise<void> =>
  dropMountSource(run.ctx.db, placeOf(run, item, from), blob.digest);
