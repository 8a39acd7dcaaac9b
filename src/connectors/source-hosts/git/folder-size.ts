import { lstat, readdir } from "node:fs/promises";
import { join } from "node:path";

/** The bytes of all files under a folder, as far as they are there at this moment. */
export async function folderSize(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  const sizes = await Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map((entry) =>
        lstat(join(entry.parentPath, entry.name)).then(
          ({ size }) => size,
          () => 0,
        ),
      ),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Looks at a folder's size again and again, and tells once when it is over the limit; returns how to stop. */
export function watchFolderSize(folder: string, limitBytes: number, onOver: () => void): () => void {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const look = async (): Promise<void> => {
    const size = await folderSize(folder);
    if (stopped) return;
    if (size > limitBytes) onOver();
    else timer = setTimeout(() => void look(), LOOK_MILLIS).unref();
  };
  timer = setTimeout(() => void look(), LOOK_MILLIS).unref();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

const LOOK_MILLIS = 250;
