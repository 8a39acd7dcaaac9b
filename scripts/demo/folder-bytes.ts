import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";

/** The sizes of all files below a folder, in bytes. */
export async function folderBytes(folder: string): Promise<number> {
  const children = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = children.filter((child) => child.isFile());
  const sizes = await Promise.all(
    files.map(async (file) => (await stat(join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}
