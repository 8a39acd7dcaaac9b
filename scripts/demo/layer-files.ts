import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import type { LayerEntry } from "./pack-layer.ts";
import { listProductionPackages } from "./production-packages.ts";

const NODE_PACKAGE = `node_modules/node-${process.platform}-${process.arch}/bin/node`;

/** The Node binary that npm installed for this project, else the one that runs this script. */
export async function nodeFiles(root: string): Promise<LayerEntry[]> {
  const installed = await fileEntry(join(root, NODE_PACKAGE), "usr/local/bin/node");
  const binary = installed ?? (await fileEntry(process.execPath, "usr/local/bin/node"));
  if (binary === null) throw new Error(`there is no Node binary at ${process.execPath}`);
  return [binary];
}

/** What the program needs at run time of node_modules. */
export async function dependencyFiles(root: string): Promise<LayerEntry[]> {
  const folders = await listProductionPackages(root);
  const lists = await Promise.all(folders.map((folder) => filesBelow(root, folder, "node_modules")));
  const entries = lists.flat();
  if (entries.length === 0)
    throw new Error(`there are no packages below ${root}/node_modules: run npm install`);
  return entries;
}

/** Headgate itself, without its tests. */
export async function programFiles(root: string): Promise<LayerEntry[]> {
  const manifest = await fileEntry(join(root, "package.json"), "app/package.json");
  const sources = (await filesBelow(root, "src", null)).filter(({ name }) => !name.endsWith(".test.ts"));
  return manifest === null ? sources : [manifest, ...sources];
}

/** The regular files below a folder of the project; folders of the name `except` are left out. */
async function filesBelow(root: string, folder: string, except: string | null): Promise<LayerEntry[]> {
  const found: LayerEntry[] = [];
  const places = [folder];
  for (let place = places.pop(); place !== undefined; place = places.pop())
    for (const child of await childrenOf(join(root, place))) {
      const path = `${place}/${child.name}`;
      if (child.isDirectory() && child.name !== except) places.push(path);
      const entry = child.isFile() ? await fileEntry(join(root, path), `app/${path}`) : null;
      if (entry !== null) found.push(entry);
    }
  return found;
}

/** Optional packages are locked for every platform but installed for this one only. */
async function childrenOf(folder: string) {
  try {
    return await readdir(folder, { withFileTypes: true });
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

async function fileEntry(file: string, name: string): Promise<LayerEntry | null> {
  try {
    const { mode, size } = await stat(file);
    return { name, from: { file, sizeBytes: size }, isExecutable: (mode & 0o100) !== 0 };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

const isMissing = (error: unknown): boolean =>
  error instanceof Error && "code" in error && error.code === "ENOENT";
