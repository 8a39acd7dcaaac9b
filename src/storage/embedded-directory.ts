import { mkdir, readFile, realpath } from "node:fs/promises";

// SQLite's locks and its shared memory do not work across machines.
const NETWORK_TYPES =
  /^(nfs\d?|cifs|smb\d?|smbfs|afs|ncpfs|fuse\.sshfs|fuse\.s3fs|fuse\.rclone|9p|ceph|glusterfs|fuse\.glusterfs|lustre)$/;

/** Makes the data directory (0700) and refuses one on a network file system; returns its real path. */
export async function prepareDirectory(directory: string): Promise<string> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const path = await realpath(directory);
  const type = await fileSystemType(path);
  if (type && NETWORK_TYPES.test(type))
    throw new Error(
      `The data directory ${path} lies on a network file system (${type}), where the embedded database can lose data: set HEADGATE_DATA_DIR to a local disk, or use PostgreSQL (DATABASE_URL)`,
    );
  return path;
}

async function fileSystemType(path: string): Promise<string | null> {
  if (process.platform !== "linux") return null;
  return fileSystemTypeIn(await readFile("/proc/self/mountinfo", "utf8"), path);
}

/** The type of the file system that holds an absolute path, by Linux's mountinfo (man 5 proc). */
export function fileSystemTypeIn(mountinfo: string, path: string): string | null {
  let found: { mount: string; type: string } | null = null;
  for (const line of mountinfo.split("\n")) {
    const [before = "", after = ""] = line.split(" - ");
    const mount = unescapeMount(before.split(" ")[4] ?? "");
    const type = after.split(" ")[0] ?? "";
    if (!mount || !holds(mount, path)) continue;
    // Of two mounts at one place the later one is seen.
    if (!found || mount.length >= found.mount.length) found = { mount, type };
  }
  return found?.type ?? null;
}

const holds = (mount: string, path: string): boolean =>
  mount === "/" || path === mount || path.startsWith(`${mount}/`);

const unescapeMount = (text: string): string =>
  text.replaceAll(/\\(\d{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));
