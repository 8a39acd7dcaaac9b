import { DomainError, ExternalSystemError, messageOf } from "../kernel/errors.ts";
import { createLimiter, type Limiter } from "../kernel/limiter.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import { copyBlob } from "./copy-blob.ts";
import { copyImage, isAtTarget } from "./copy-image.ts";
import type { CopyRun } from "./copy-run.ts";
import type { SizedBlob } from "./distribution-blob-store.ts";
import { moveStep } from "./distribution-store.ts";
import type { ImageTree } from "./image-tree.ts";

/** How many blobs of one distribution move at a time. */
const PARALLEL_BLOBS = 6;

interface Wanted {
  readonly item: ReleaseItem;
  readonly tree: ImageTree;
}

/**
 * Copies all these pinned items, in parallel, each layer once. An image that fails is recorded with its reason;
 * the others go on. Throws only when the task itself must stop.
 */
export async function copyItems(run: CopyRun, items: readonly ReleaseItem[]): Promise<void> {
  const loaded = await Promise.all(items.map((item) => guarded(run, item, () => prepare(run, item))));
  const wanted = loaded.filter((one) => one !== null && one !== undefined);
  const limit = createLimiter(PARALLEL_BLOBS);
  const blobs = startBlobs(run, wanted, limit);
  await Promise.all(
    wanted.map(({ item, tree }) => guarded(run, item, () => finish(run, { item, tree }, blobs, limit))),
  );
}

/** Reads what the image consists of; one that is at its target already is done with that. */
async function prepare(run: CopyRun, item: ReleaseItem): Promise<Wanted | null> {
  const key = { distributionId: run.distribution.id, itemId: item.id };
  await run.task.transaction((db) =>
    moveStep(db, key, ["waiting", "pinned"], { status: "copying" }, run.ctx.now()),
  );
  const tree = await run.treeOf(item);
  if (!(await isAtTarget(run, item))) return { item, tree };
  await copyImage(run, item, tree, null, createLimiter(1));
  return null;
}

/** Begins every unique blob; an image waits for its own ones. */
function startBlobs(
  run: CopyRun,
  wanted: readonly Wanted[],
  limit: Limiter,
): ReadonlyMap<string, Promise<string>> {
  const needs = new Map<string, { readonly blob: SizedBlob; readonly items: ReleaseItem[] }>();
  for (const { item, tree } of wanted)
    for (const blob of tree.blobs) {
      const need = needs.get(blob.digest) ?? { blob, items: [] };
      need.items.push(item);
      needs.set(blob.digest, need);
    }
  const started = new Map<string, Promise<string>>();
  for (const [digest, { blob, items }] of needs) {
    const moving = limit(() => copyBlob(run, blob, items));
    // Whoever waits for it hears of a failure; nobody may be left to when an image fails early.
    moving.catch(() => undefined);
    started.set(digest, moving);
  }
  return started;
}

async function finish(
  run: CopyRun,
  { item, tree }: Wanted,
  blobs: ReadonlyMap<string, Promise<string>>,
  limit: Limiter,
): Promise<void> {
  const arrivals = await Promise.allSettled(
    tree.blobs.map(async ({ digest }) => [digest, await arrivalOf(blobs, digest)] as const),
  );
  const failed = arrivals.find((arrival) => arrival.status === "rejected");
  if (failed) throw failed.reason;
  const homes = new Map(arrivals.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
  await copyImage(run, item, tree, homes, limit);
}

function arrivalOf(blobs: ReadonlyMap<string, Promise<string>>, digest: string): Promise<string> {
  const arrival = blobs.get(digest);
  if (!arrival) throw new Error(`the copy of ${digest} was never begun`);
  return arrival;
}

/** Runs one image's part. A refusal by the outside or by a rule is this image's failure alone. */
async function guarded<T>(run: CopyRun, item: ReleaseItem, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    run.task.signal.throwIfAborted();
    if (!(error instanceof ExternalSystemError || error instanceof DomainError)) throw error;
    const key = { distributionId: run.distribution.id, itemId: item.id };
    const failure = { status: "failed", error: messageOf(error) } as const;
    await run.task.transaction((db) =>
      moveStep(db, key, ["waiting", "pinned", "copying"], failure, run.ctx.now()),
    );
    return undefined;
  }
}
