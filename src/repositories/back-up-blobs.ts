import { dirname } from "node:path";
import { DomainError } from "../kernel/errors.ts";
import { createLimiter } from "../kernel/limiter.ts";
import type { Database } from "../storage/database.ts";
import { syncDirectory } from "../storage/durable-files.ts";
import type { FileStorage } from "../storage/file-storage.ts";
import { linkOrCopy } from "../storage/link-file.ts";
import type { Backup } from "./backup.ts";
import { listHeldBlobs } from "./blob-store.ts";

const AT_A_TIME = 1000;
const AT_ONCE = 8;

type Counts = Pick<Backup, "blobs" | "blobBytes" | "copiedBlobs">;

/**
 * Puts every blob that the saved database links or holds beside it; on the disk when this returns. A file of each was
 * there when the database was saved, and the sweep takes nothing that was in use within its 24 hours of grace, so all
 * of them are there still. Throws BACKUP_INCOMPLETE when one is not, or has another size.
 */
export async function backUpBlobs(saved: Database, from: FileStorage, to: FileStorage): Promise<Counts> {
  const counts = { blobs: 0, blobBytes: 0, copiedBlobs: 0 };
  const lacking: string[] = [];
  const folders = new Set<string>();
  const inTurn = createLimiter(AT_ONCE);
  for (let after = ""; ;) {
    const held = await listHeldBlobs(saved, after, AT_A_TIME);
    for (const { digest } of held) folders.add(dirname(to.pathOf(digest)));
    const ends = await Promise.all(
      held.map(({ digest }) => inTurn(() => linkOrCopy(from.pathOf(digest), to.pathOf(digest)))),
    );
    for (const [index, { digest, sizeBytes }] of held.entries()) {
      const end = ends[index];
      if (end?.sizeBytes !== sizeBytes) lacking.push(digest);
      counts.blobs += 1;
      counts.blobBytes += sizeBytes;
      counts.copiedBlobs += end?.copied ? 1 : 0;
    }
    const last = held.at(-1);
    if (!last) break;
    after = last.digest;
  }
  if (lacking.length > 0)
    throw new DomainError(
      "BACKUP_INCOMPLETE",
      `The registry inside lacks the bytes of ${lacking.length} blob(s) that its manifests need, ${lacking[0]} for one: push the images again that have them, or delete those`,
    );
  for (const folder of folders) await syncDirectory(folder);
  return counts;
}
