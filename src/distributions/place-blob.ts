import { ExternalSystemError } from "../kernel/errors.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import type { CopyRun } from "./copy-run.ts";
import { dropMountSource, findMountSource, type SizedBlob } from "./distribution-blob-store.ts";

/**
 * Makes a blob appear in the item's target repository by the cheapest way that works: it is there already,
 * it is mounted from a repository of the same registry that this project itself used, or it is streamed.
 * `heldBy`: the repository that got it in this run; its bytes are counted already. Throws ExternalSystemError.
 */
export async function placeBlob(
  run: CopyRun,
  item: ReleaseItem,
  blob: SizedBlob,
  heldBy: string | null,
): Promise<void> {
  const { signal } = run.task;
  const source = await run.registryOf(item.source.connectionId);
  const target = await run.registryOf(item.target.connectionId);
  const repository = item.target.repository;
  if (await target.hasBlob(repository, blob.digest, signal)) return;
  if (await mountBlob(run, item, blob, heldBy)) return;
  const counts = heldBy === null;
  try {
    await run.ctx.connectors.registries.copyBlob({
      source: { registry: source, repository: item.source.repository },
      target: { registry: target, repository },
      digest: blob.digest,
      sizeBytes: blob.sizeBytes,
      ...(counts && { onBytes: (count: number) => run.moving.add(blob.digest, count) }),
      signal,
    });
  } catch (error) {
    if (counts) run.moving.reset(blob.digest);
    throw error;
  }
}

async function mountBlob(
  run: CopyRun,
  item: ReleaseItem,
  blob: SizedBlob,
  heldBy: string | null,
): Promise<boolean> {
  const { projectId } = run.content;
  const { connectionId, repository } = item.target;
  if (connectionId === null) return false;
  const target = await run.registryOf(connectionId);
  const sameRegistry = item.source.connectionId === connectionId ? item.source.repository : null;
  const known = { projectId, connectionId, repository };
  const from = heldBy ?? sameRegistry ?? (await findMountSource(run.ctx.db, known, blob.digest));
  if (from === null || from === repository) return false;
  const mounted = await target
    .mountBlob(repository, blob.digest, from, run.task.signal)
    .catch((error: unknown) => noMount(run, error));
  if (!mounted) await dropMountSource(run.ctx.db, { projectId, connectionId, repository: from }, blob.digest);
  return mounted;
}

/** A mount only saves the way: where a registry fails at it, the bytes are streamed. */
function noMount(run: CopyRun, error: unknown): false {
  run.task.signal.throwIfAborted();
  if (error instanceof ExternalSystemError) return false;
  throw error;
}
