import { readdirSync, readFileSync, statSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";

/** The repository's top folder, without a slash at the end. */
export const ROOT = fileURLToPath(new URL("../..", import.meta.url)).replace(/\/$/, "");

const NOT_OURS = new Set(["node_modules", "dist", "data", "coverage", ".git"]);

/** Everything in the repository, as paths from its top; a folder ends in a slash. */
export const everything: readonly string[] = list(ROOT);

function list(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    if (NOT_OURS.has(entry.name)) return [];
    const path = join(folder, entry.name);
    const name = relative(ROOT, path);
    return entry.isDirectory() ? [`${name}/`, ...list(path)] : [name];
  });
}

/** Every page of documentation, as paths from the top. */
export const pages: readonly string[] = everything.filter((path) => path.endsWith(".md"));

/** The text of a page without its blocks of code, in which nothing is a link. */
export const proseOf = (page: string): string =>
  readFileSync(join(ROOT, page), "utf8").replaceAll(/^ *```[^]*?^ *```/gm, "");

/** Whether this path from the top leads to a file or folder. */
export const exists = (path: string): boolean =>
  statSync(join(ROOT, path), { throwIfNoEntry: false }) !== undefined;

/** The names under which headings of a page can be linked to, as GitHub makes them. */
export const anchorsOf = (page: string): readonly string[] =>
  [...proseOf(page).matchAll(/^#{1,6} +(.+)$/gm)].map(([, heading = ""]) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
      .replaceAll(" ", "-"),
  );
