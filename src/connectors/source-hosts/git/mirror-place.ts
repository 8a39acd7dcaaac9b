import { createHash, randomBytes } from "node:crypto";
import { access, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import { join } from "node:path";
import type { SourceTarget } from "../source-host.ts";

/** Where a mirror lies: a folder for its claims, and in it the repository as soon as it was fetched whole once. */
export interface MirrorPlace {
  readonly folder: string;
  readonly repository: string;
  readonly trustFile: string;
}

/** A password may change and the mirror stay; two connections never share one, for they may not see the same. */
const identityOf = ({ name, url, plainHttp, allowPrivate, credentials }: SourceTarget): string =>
  JSON.stringify([name, url.href, plainHttp, allowPrivate, credentials?.username ?? null]);

/** The place of a repository's mirror, as one connection reads it. */
export function mirrorPlace(directory: string, target: SourceTarget): MirrorPlace {
  const folder = join(directory, createHash("sha256").update(identityOf(target)).digest("hex"));
  return { folder, repository: join(folder, "repository"), trustFile: join(folder, "trust.pem") };
}

/** Whether there is a mirror. */
export const isThere = ({ repository }: MirrorPlace): Promise<boolean> =>
  access(join(repository, "HEAD")).then(
    () => true,
    () => false,
  );

const UNFINISHED = /^(?:new|old)-/;

/** A path beside the repository, for one that is being made. */
export const newRepository = ({ folder }: MirrorPlace): string =>
  join(folder, `new-${randomBytes(8).toString("hex")}`);

/** Removes what a process left that ended in the middle of making or replacing a repository. */
export async function removeUnfinished({ folder }: MirrorPlace): Promise<void> {
  const names = (await readdir(folder)).filter((name) => UNFINISHED.test(name));
  await Promise.all(names.map((name) => removeFolder(join(folder, name))));
}

/** Puts a repository that was fetched whole in the place of the one that is there, if any. */
export async function putInPlace(place: MirrorPlace, made: string): Promise<void> {
  await removeRepository(place);
  await rename(made, place.repository);
}

/** Takes the repository away. Out of sight at once, so that nobody reads half of it. */
export async function removeRepository(place: MirrorPlace): Promise<void> {
  const old = join(place.folder, `old-${randomBytes(8).toString("hex")}`);
  const moved = await rename(place.repository, old).then(
    () => true,
    () => false,
  );
  if (moved) await removeFolder(old);
}

/** Removes a folder, also while a program that was left alone still writes in it. */
export const removeFolder = (folder: string): Promise<void> =>
  rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 });

/** Git's locks and half packs, which stay behind when it is killed. Only for who holds the claim. */
export async function removeLeftovers(repository: string): Promise<void> {
  const entries = await readdir(repository, { recursive: true, withFileTypes: true });
  const left = entries.filter(
    ({ name, parentPath }) =>
      name.endsWith(".lock") ||
      (name.startsWith("tmp_") && parentPath.startsWith(join(repository, "objects"))),
  );
  await Promise.all(left.map(({ name, parentPath }) => removeFolder(join(parentPath, name))));
}

const UNUSED_MILLIS = 30 * 24 * 3_600_000;

/** Notes that a mirror is in use. */
export const markUsed = ({ folder }: MirrorPlace): Promise<void> =>
  utimes(folder, new Date(), new Date()).catch(() => {});

/** Removes mirrors that nobody has looked into for 30 days. */
export async function removeUnused(directory: string, now: number): Promise<void> {
  for (const name of await readdir(directory)) {
    const folder = join(directory, name);
    const used = await stat(folder).catch(() => null);
    if (used && now - used.mtimeMs > UNUSED_MILLIS) await removeFolder(folder);
  }
}
