import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";

const Names = z.record(z.string(), z.string()).default({});

/** The parts of npm's lock file, version 3, that say what needs what. */
const Lock = z.object({
  packages: z.record(
    z.string(),
    z.object({
      dependencies: Names,
      optionalDependencies: Names,
      peerDependencies: Names,
      peerDependenciesMeta: z
        .record(z.string(), z.object({ optional: z.boolean().default(false) }))
        .default({}),
    }),
  ),
});
type Packages = z.output<typeof Lock>["packages"];
const Manifest = z.object({ dependencies: Names });

/**
 * The folders (`node_modules/…`) of everything that the `dependencies` of package.json need at run time, sorted:
 * no development dependency, and none of the root's optional ones.
 */
export async function listProductionPackages(root: string): Promise<string[]> {
  const { dependencies } = Manifest.parse(await readJson(join(root, "package.json")));
  const { packages } = Lock.parse(await readJson(join(root, "package-lock.json")));
  const found = new Set<string>();
  const visit = (folder: string, names: readonly string[]): void => {
    for (const name of names) {
      const place = resolve(packages, folder, name);
      if (place === null || found.has(place)) continue;
      found.add(place);
      visit(place, needsOf(packages, place));
    }
  };
  visit("", Object.keys(dependencies));
  return [...found].toSorted();
}

const readJson = async (file: string): Promise<unknown> => JSON.parse(await readFile(file, "utf8"));

function needsOf(packages: Packages, place: string): string[] {
  const found = packages[place];
  if (found === undefined) return [];
  const peers = Object.keys(found.peerDependencies).filter(
    (name) => found.peerDependenciesMeta[name]?.optional !== true,
  );
  return [...Object.keys(found.dependencies), ...Object.keys(found.optionalDependencies), ...peers];
}

/** As Node looks for a package: beside its user's own, then one level up, to the root. Null: not locked. */
function resolve(packages: Packages, folder: string, name: string): string | null {
  for (let base = folder; ; base = base.slice(0, Math.max(base.lastIndexOf("/node_modules/"), 0))) {
    const place = base === "" ? `node_modules/${name}` : `${base}/node_modules/${name}`;
    if (place in packages) return place;
    if (base === "") return null;
  }
}
