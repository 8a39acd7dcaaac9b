import type { BlobArrival } from "../connectors/registries/registry.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import type { CopyRun } from "./copy-run.ts";
import { dropMountSource, type SizedBlob } from "./distribution-blob-store.ts";

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
  if (near !== null) return near === repository ? null : near;
  const holders = (await run.holdersIn(connectionId)).get(blob.digest) ?? [];
  return holders.find((holder) => holder !== repository) ?? null;
}

const forgetHolder = (
  run: CopyRun,
  item: ReleaseItem,
  blob: SizedBlob,
  repository: string,
): Promise<void> => {
  const { projectId } = run.content;
  const connectionId = item.target.connectionId ?? "";
  return dropMountSource(run.ctx.db, { projectId, connectionId, repository }, blob.digest);
};
