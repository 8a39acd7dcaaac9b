import { DomainError, ExternalSystemError, messageOf } from "../kernel/errors.ts";
import { createLimiter, type Limiter } from "../kernel/limiter.ts";
import type { Referrer } from "../releases/referrer.ts";
import { listReferrersOf } from "../releases/referrer-store.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import { blobCopier } from "./copy-blob.ts";
import { blobsToCopy, type CopyImage, type ImageCopy, imageCopier } from "./copy-image.ts";
import { loadReferrers, missingReferrers } from "./copy-referrers.ts";
import { type CopyRun, PARALLEL_IMAGES } from "./copy-run.ts";
import { OPEN_STEPS } from "./distribution.ts";
import { moveStep, moveSteps } from "./distribution-store.ts";
import { referrerFailure } from "./referrer-tree.ts";

/** How many blobs of one distribution move at a time. */
const PARALLEL_BLOBS = 6;
/** And how many that are in the registry already are put into another repository at a time: they wait for no bytes. */
const PARALLEL_PLACEMENTS = 8;

/**
 * Copies all these pinned items, in parallel, each layer once. An image that fails is recorded with its reason;
 * the others go on. Throws only when the task itself must stop.
 */
export async function copyItems(run: CopyRun, items: readonly ReleaseItem[]): Promise<void> {
  const limits = {
    images: createLimiter(PARALLEL_IMAGES),
    blobs: createLimiter(PARALLEL_BLOBS),
    placements: createLimiter(PARALLEL_PLACEMENTS),
  };
  const copyImage = imageCopier(run);
  const { id, withReferrers } = run.content;
  // Looking at the target needs not wait until that is written; moving bytes does.
  const begun = markCopying(run);
  // What fails is thrown below.
  begun.catch(() => undefined);
  const referrers = withReferrers ? await listReferrersOf(run.ctx.db, id) : null;
  const loaded = await Promise.all(
    items.map((item) =>
      limits.images(() =>
        guarded(run, item, () => prepare(run, item, referrers?.get(item.id) ?? [], copyImage)),
      ),
    ),
  );
  await begun;
  const wanted = loaded.filter((one) => one !== null && one !== undefined);
  const blobs = startBlobs(run, wanted, limits.blobs);
  await Promise.all(wanted.map((one) => guarded(run, one.item, () => finish(one, blobs, limits, copyImage))));
}

const markCopying = (run: CopyRun): Promise<void> =>
  run.task.transaction((db) =>
    moveSteps(
      db,
      run.distribution.id,
      ["waiting", "pinned"],
      { status: "copying", error: "" },
      run.ctx.now(),
    ),
  );

interface Limits {
  readonly images: Limiter;
  readonly blobs: Limiter;
  readonly placements: Limiter;
}

/** Reads what the image consists of; one that is at its target already, with what is attached to it, is done with that. */
async function prepare(
  run: CopyRun,
  item: ReleaseItem,
  attached: readonly Referrer[],
  copyImage: CopyImage,
): Promise<ImageCopy | null> {
  const tree = await run.treeAt({ ...item.source, reference: item.pinnedDigest ?? "" });
  const referrers = await loadReferrers(run, item, attached);
  const atTarget = (await run.digestAtTarget(item)) === item.pinnedDigest;
  const missing = atTarget ? await missingReferrers(run, item, referrers) : referrers;
  const copy = { item, tree, atTarget, referrers, missing };
  if (!atTarget || missing.length > 0) return copy;
  await copyImage(copy, new Map(), createLimiter(1));
  return null;
}

/** The blobs under way by digest, each with the repository that gets it; and why images are lost, by item. */
interface StartedBlobs {
  readonly started: ReadonlyMap<string, Promise<string>>;
  readonly lost: ReadonlyMap<string, unknown>;
}

/** Begins every unique blob; an image waits for its own ones. Nothing more is begun for images that failed alone. */
function startBlobs(run: CopyRun, wanted: readonly ImageCopy[], limit: Limiter): StartedBlobs {
  const wishes = wanted.flatMap(blobsToCopy);
  const started = new Map<string, Promise<string>>();
  const lost = new Map<string, unknown>();
  const copyBlob = blobCopier(run);
  for (const [digest, own] of Map.groupBy(wishes, ({ blob }) => blob.digest)) {
    const moving = copyBlob(digest, own, (place) =>
      limit(() => {
        if (own.every(({ item }) => lost.has(item.id))) throw lost.get(own[0]?.item.id ?? "");
        return place();
      }),
    );
    moving.catch((error: unknown) => {
      for (const { item, referrer } of own)
        if (!lost.has(item.id)) lost.set(item.id, referrer ? referrerFailure(referrer, error) : error);
    });
    started.set(digest, moving);
  }
  return { started, lost };
}

async function finish(
  copy: ImageCopy,
  blobs: StartedBlobs,
  limits: Limits,
  copyImage: CopyImage,
): Promise<void> {
  const arrivals = await Promise.allSettled(
    blobsToCopy(copy).map(async ({ blob: { digest } }) => [digest, await arrivalOf(blobs, digest)] as const),
  );
  if (blobs.lost.has(copy.item.id)) throw blobs.lost.get(copy.item.id);
  const homes = new Map(arrivals.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])));
  await limits.images(() => copyImage(copy, homes, limits.placements));
}

function arrivalOf({ started }: StartedBlobs, digest: string): Promise<string> {
  const arrival = started.get(digest);
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
    await run.task.transaction((db) => moveStep(db, key, OPEN_STEPS, failure, run.ctx.now()).execute());
    return undefined;
  }
}
