import { isSharedWith } from "../connections/connection.ts";
import { findConnection } from "../connections/connection-store.ts";
import { openRegistry } from "../connections/open-registry.ts";
import type { Registry } from "../connectors/registries/registry.ts";
import type { Context } from "../context.ts";
import type { Digest } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { createLimiter } from "../kernel/limiter.ts";
import type { FullContent } from "../releases/release-content.ts";
import type { ItemPlace, ReleaseItem } from "../releases/release-item.ts";
import type { TaskRun } from "../tasks/task.ts";
import { findMountSources } from "./distribution-blob-store.ts";
import type { FullDistribution } from "./distribution.ts";
import { type ImageTree, loadImageTree } from "./image-tree.ts";
import { lookAtTarget } from "./look-at-target.ts";
import { type MovingBytes, trackMovingBytes } from "./moving-bytes.ts";

/** What a run of the copying task works on. */
export interface CopyWork {
  readonly content: FullContent;
  readonly distribution: FullDistribution;
}

/** Where an image is read: a tag or a digest of a repository. */
export type ImagePlace = ItemPlace & { readonly reference: string };

/** One run of the copying task: what it works on, and what it has read so far. */
export interface CopyRun extends CopyWork {
  readonly ctx: Context;
  readonly task: TaskRun;
  readonly moving: MovingBytes;
  /** The registry behind a connection that is still shared with the project. Throws CONNECTION_NOT_SHARED. */
  registryOf(connectionId: string | null): Promise<Registry>;
  /** By digest, the repositories of a connection's registry that this project knows to hold the blobs, the latest first. */
  holdersIn(connectionId: string): Promise<ReadonlyMap<string, readonly string[]>>;
  /** What the item's tag at the target led to before this run changed it; looked up once in a run. */
  digestAtTarget(item: ReleaseItem): Promise<Digest | null>;
  /** All manifests of an image, read once in a run: a tag means the same for every image that names it. */
  treeAt(place: ImagePlace): Promise<ImageTree>;
}

/** How many images of one run are read or completed at a time. */
export const PARALLEL_IMAGES = 16;
/** What the manifests of all images of a version may have together: they are kept until all are copied. */
const MAX_KEPT_BYTES = 64 * 1024 * 1024;

export function beginCopyRun(ctx: Context, task: TaskRun, work: CopyWork): CopyRun {
  const registryOf = remember(
    (connectionId: string) => connectionId,
    (connectionId) => openShared(ctx, work.content.projectId, connectionId),
  );
  const holders = remember(
    (connectionId: string) => connectionId,
    (connectionId) =>
      findMountSources(ctx.db, {
        projectId: work.content.projectId,
        connectionId,
        distributionId: work.distribution.id,
      }),
  );
  let keptBytes = 0;
  const load = async ({ connectionId, repository, reference }: ImagePlace): Promise<ImageTree> => {
    const registry = await registryOf(connectionId ?? "");
    const tree = await loadImageTree({ registry, repository, reference }, task.signal);
    if (keptBytes + tree.manifestBytes > MAX_KEPT_BYTES)
      throw new DomainError(
        "MANIFEST_INVALID",
        "The images of this version have more than 64 MiB of manifests: make several versions of them",
      );
    keptBytes += tree.manifestBytes;
    return tree;
  };
  const trees = remember(nameOf, load);
  const limit = createLimiter(PARALLEL_IMAGES);
  const seen = remember(
    ({ target, targetTag }: ReleaseItem) => nameOf({ ...target, reference: targetTag }),
    async (item) => {
      const registry = await registryOf(item.target.connectionId ?? "");
      return limit(() => lookAtTarget(registry, item, task.signal));
    },
  );
  return {
    ctx,
    task,
    ...work,
    moving: trackMovingBytes(task),
    registryOf: (connectionId) => registryOf(connectionId ?? ""),
    digestAtTarget: (item) => seen(item),
    holdersIn: (connectionId) => holders(connectionId),
    treeAt: async (place) => {
      const tree = await trees(place);
      // What was read by its tag is copied by its digest.
      trees.keep({ ...place, reference: tree.root.digest }, tree);
      return tree;
    },
  };
}

const nameOf = ({ connectionId, repository, reference }: ImagePlace): string =>
  `${connectionId ?? ""} ${repository} ${reference}`;

async function openShared(ctx: Context, projectId: string, connectionId: string): Promise<Registry> {
  const connection = connectionId === "" ? null : await findConnection(ctx.db, connectionId);
  if (!connection) throw new DomainError("CONNECTION_NOT_FOUND", "The image's registry connection is gone");
  if (!isSharedWith(connection, projectId))
    throw new DomainError(
      "CONNECTION_NOT_SHARED",
      `The registry connection ${connection.name} is not shared with the project any more`,
    );
  return openRegistry(ctx, connection);
}

interface Remembered<Key, T> {
  (key: Key): Promise<T>;
  /** An answer that is known from elsewhere. */
  keep(key: Key, value: T): void;
}

/** The same answer for the same name; a failure is forgotten, so that it can be tried again. */
function remember<Key, T>(name: (key: Key) => string, load: (key: Key) => Promise<T>): Remembered<Key, T> {
  const known = new Map<string, Promise<T>>();
  const recall = (key: Key): Promise<T> => {
    const before = known.get(name(key));
    if (before) return before;
    const loading = load(key);
    known.set(name(key), loading);
    loading.catch(() => known.delete(name(key)));
    return loading;
  };
  const keep = (key: Key, value: T): void => void known.set(name(key), Promise.resolve(value));
  return Object.assign(recall, { keep });
}
