import { isSharedWith } from "../connections/connection.ts";
import { findConnection } from "../connections/connection-store.ts";
import { openRegistry } from "../connections/open-registry.ts";
import type { Registry } from "../connectors/registries/registry.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { FullContent } from "../releases/release-content.ts";
import type { ReleaseItem } from "../releases/release-item.ts";
import type { TaskRun } from "../tasks/task.ts";
import type { FullDistribution } from "./distribution.ts";
import { type ImageTree, loadImageTree } from "./image-tree.ts";
import { type MovingBytes, trackMovingBytes } from "./moving-bytes.ts";

/** One run of the copying task: what it works on, and what it has read so far. */
export interface CopyRun {
  readonly ctx: Context;
  readonly task: TaskRun;
  readonly content: FullContent;
  readonly distribution: FullDistribution;
  readonly moving: MovingBytes;
  /** The registry behind a connection that is still shared with the project. Throws CONNECTION_NOT_SHARED. */
  registryOf(connectionId: string | null): Promise<Registry>;
  /** All manifests of a pinned item, read once in a run. */
  treeOf(item: ReleaseItem): Promise<ImageTree>;
}

export function beginCopyRun(
  ctx: Context,
  task: TaskRun,
  work: { readonly content: FullContent; readonly distribution: FullDistribution },
): CopyRun {
  const registryOf = remember((connectionId: string) =>
    openShared(ctx, work.content.projectId, connectionId),
  );
  const trees = remember(async (key: string) => {
    const [connectionId = "", repository = "", reference = ""] = key.split(" ");
    return loadImageTree({ registry: await registryOf(connectionId), repository, reference }, task.signal);
  });
  return {
    ctx,
    task,
    ...work,
    moving: trackMovingBytes(task),
    registryOf: (connectionId) => registryOf(connectionId ?? ""),
    treeOf: ({ source, pinnedDigest }) =>
      trees(`${source.connectionId ?? ""} ${source.repository} ${pinnedDigest ?? ""}`),
  };
}

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

/** The same answer for the same key; a failure is forgotten, so that it can be tried again. */
function remember<T>(load: (key: string) => Promise<T>): (key: string) => Promise<T> {
  const known = new Map<string, Promise<T>>();
  return (key) => {
    const before = known.get(key);
    if (before) return before;
    const loading = load(key);
    known.set(key, loading);
    loading.catch(() => known.delete(key));
    return loading;
  };
}
