import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { DomainError, ExternalSystemError, messageOf } from "../kernel/errors.ts";
import type { Referrer } from "../releases/referrer.ts";
import { insertReferrers } from "../releases/referrer-store.ts";
import { imageToRun, pinPlace, type ReleaseItem } from "../releases/release-item.ts";
import { type ItemPin, pinItems as storePins, setPinProblem } from "../releases/release-item-store.ts";
import { createLimiter } from "../kernel/limiter.ts";
import { type CopyRun, PARALLEL_IMAGES } from "./copy-run.ts";
import { addBlobs, type SizedBlob } from "./distribution-blob-store.ts";
import { moveStep, moveStepsOf } from "./distribution-store.ts";
import { type FindReferrers, referrerFinder } from "./find-referrers.ts";
import { addItemBlobs } from "./progress-store.ts";

/** What came of trying to pin one item; JSON, for it is kept as a step's result. */
interface PinOutcome {
  readonly itemId: string;
  readonly digest: string | null;
  readonly problem: string;
  /** What has to be moved; nothing when the item is not pushed. */
  readonly blobs: readonly SizedBlob[];
  readonly referrers: readonly Referrer[];
}

/**
 * The first step: pins every item that has no pin, all at once, before any byte moves. Items that name the same
 * image get the same pin, also when a retry pins one of them later: they may go to the same target.
 */
export async function pinItems(run: CopyRun): Promise<void> {
  const unpinned = run.content.items.filter((item) => item.pinnedDigest === null);
  const pins = new Map(
    run.content.items.map((item) => [nameOf(item), item.pinnedDigest] as const).filter(hasPin),
  );
  const limit = createLimiter(PARALLEL_IMAGES);
  const find = referrerFinder(run);
  await run.task.step(
    "pin",
    async () => {
      const outcomes = await Promise.all(
        unpinned.map((item) => limit(() => pinOne(run, item, pins.get(nameOf(item)) ?? null, find))),
      );
      lookAhead(run, unpinned, outcomes);
      return outcomes;
    },
    (db, outcomes) => savePins({ ...run.ctx, db }, run, outcomes),
  );
}

/** Asks what is at the targets while the pins are written; who needs the answer hears of a failure. */
function lookAhead(run: CopyRun, items: readonly ReleaseItem[], outcomes: readonly PinOutcome[]): void {
  const pinned = new Set(outcomes.filter(isPinned).map(({ itemId }) => itemId));
  for (const item of items)
    if (item.push && pinned.has(item.id)) run.digestAtTarget(item).catch(() => undefined);
}

const nameOf = (item: ReleaseItem): string => JSON.stringify(pinPlace(item));
const hasPin = (entry: readonly [string, string | null]): entry is readonly [string, string] =>
  entry[1] !== null;

async function pinOne(
  run: CopyRun,
  item: ReleaseItem,
  pin: string | null,
  find: FindReferrers,
): Promise<PinOutcome> {
  try {
    const place = pinPlace(item);
    if (place.connectionId === null)
      return unpinned(item, `no registry connection of this project reaches ${imageToRun(item)}`);
    const tree = await run.treeAt({ ...place, reference: pin ?? place.reference });
    const wanted = item.push && run.content.withReferrers;
    const attached = wanted ? await find(item.source, tree) : [];
    return {
      itemId: item.id,
      digest: tree.root.digest,
      problem: "",
      blobs: item.push ? [tree, ...attached.map((one) => one.tree)].flatMap(({ blobs }) => blobs) : [],
      referrers: attached.map(({ referrer }) => referrer),
    };
  } catch (error) {
    run.task.signal.throwIfAborted();
    if (error instanceof ExternalSystemError || error instanceof DomainError)
      return unpinned(item, messageOf(error));
    throw error;
  }
}

const unpinned = (item: ReleaseItem, problem: string): PinOutcome => ({
  itemId: item.id,
  digest: null,
  problem,
  blobs: [],
  referrers: [],
});

async function savePins(tx: Context, run: CopyRun, outcomes: readonly PinOutcome[]): Promise<void> {
  const now = tx.now();
  await addBlobs(
    tx.db,
    run.distribution.id,
    outcomes.flatMap((outcome) => outcome.blobs),
  );
  const pushed = outcomes.filter(({ blobs }) => blobs.length > 0);
  await addItemBlobs(
    tx.db,
    run.distribution.id,
    pushed.map(({ itemId, blobs }) => ({ itemId, digests: [...new Set(blobs.map(({ digest }) => digest))] })),
  );
  for (const outcome of outcomes) await savePinProblem(tx, run.distribution.id, outcome);
  const pinned = outcomes.filter(isPinned);
  if (pinned.length === 0) return;
  await savePinned(tx, run.distribution.id, pinned);
  await recordEvent(tx, {
    kind: "release.pinned",
    projectId: run.content.projectId,
    subjectId: run.content.id,
    after: {
      pinnedAt: now.toISOString(),
      digests: Object.fromEntries(pinned.map((one) => [one.itemId, one.digest])),
      ...(run.content.withReferrers && { referrers: Object.fromEntries(pinned.map(digestsOfReferrers)) }),
    },
  });
}

const digestsOfReferrers = ({ itemId, referrers }: PinOutcome) =>
  [itemId, referrers.map(({ digest }) => digest)] as const;

const isPinned = (outcome: PinOutcome): outcome is PinOutcome & ItemPin => outcome.digest !== null;

async function savePinned(
  tx: Context,
  distributionId: string,
  pinned: readonly (PinOutcome & ItemPin)[],
): Promise<void> {
  const now = tx.now();
  await storePins(tx.db, pinned, now);
  for (const { itemId, referrers } of pinned) await insertReferrers(tx.db, itemId, referrers);
  const ids = pinned.map(({ itemId }) => itemId);
  await moveStepsOf(tx.db, distributionId, ids, ["waiting"], { status: "pinned", error: "", now });
}

async function savePinProblem(tx: Context, distributionId: string, outcome: PinOutcome): Promise<void> {
  const { itemId, digest, problem } = outcome;
  if (digest !== null) return;
  await setPinProblem(tx.db, itemId, problem);
  const failed = { status: "failed", error: problem } as const;
  await moveStep(tx.db, { distributionId, itemId }, ["waiting"], failed, tx.now()).execute();
}
