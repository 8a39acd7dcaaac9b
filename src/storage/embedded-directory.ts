import { mkdir, readFile, realpath } from "node:fs/promises";
import { dirname } from "node:path";
import { syncDirectory } from "./durable-files.ts";

// SQLite's locks and its shared memory do not work across machines.
const NETWORK_TYPES = new Set(["nfs", "nfs4", "cifs", "smb3", "smbfs", "fuse.sshfs"]);

/** Makes the data directory (0700) and refuses one on a network file system; returns its real path. */
export async function prepareDirectory(directory: string): Promise<string> {
  const created = await mkdir(directory, { recursive: true, mode: 0o700 });
  if (created) await syncDirectory(dirname(created));
  const path = await realpath(directory);
  if (process.platform === "linux")
    refuseNetworkFileSystem(await readFile("/proc/self/mountinfo", "utf8"), path);
  return path;
}

/** Throws an Error when the mounts of this machine (the text of /proc/self/mountinfo) put the path on a network. */
export function refuseNetworkFileSystem(mountinfo: string, path: string): void {
  const type = fileSystemType(mountinfo, path);
  if (type && NETWORK_TYPES.has(type))
    throw new Error(
      `The data directory ${path} lies on a network file system (${type}), where the embedded database can lose data: set HEADGATE_DATA_DIR to a local disk, or use PostgreSQL (DATABASE_URL)`,
    );
}

/** Each line: id, parent, device, root, mount point, options … - type, source, options (man 5 proc). */
function fileSystemType(mountinfo: string, path: string): string | null {
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
