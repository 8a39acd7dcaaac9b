import type { Registry } from "../connectors/registries/registry.ts";
import { DomainError } from "../kernel/errors.ts";
import { createLimiter } from "../kernel/limiter.ts";
import { cosignTagsOf, type Referrer } from "../releases/referrer.ts";
import type { ItemPlace } from "../releases/release-item.ts";
import type { CopyRun } from "./copy-run.ts";
import { type ImageTree, MAX_BLOB_BYTES } from "./image-tree.ts";
import { bytesOf, forReferrer, readRoot, type ReferrerTree } from "./referrer-tree.ts";

/** Limits of one image: how far a signature of a signature may be from it, and how much it may have in all. */
const MAX_DEPTH = 3;
const MAX_REFERRERS = 100;
/** How many manifests of one image are asked about at a time. */
const PARALLEL_SUBJECTS = 4;

/** What a list or a tag says is attached to `subject`; not looked at yet. */
type Sighting = Pick<Referrer, "kind" | "tag" | "subject" | "digest">;

/** The part of a run that finding needs. */
type Finder = Pick<CopyRun, "registryOf" | "treeAt" | "task">;

/** Looks for what is attached to an image, once in a run: items that name the same image get the same. */
export type FindReferrers = (source: ItemPlace, image: ImageTree) => Promise<readonly ReferrerTree[]>;

export function referrerFinder(run: Finder): FindReferrers {
  const known = new Map<string, Promise<readonly ReferrerTree[]>>();
  return (source, image) => {
    const name = JSON.stringify([source.connectionId, source.repository, image.root.digest]);
    const finding = known.get(name) ?? findReferrers(run, source, image);
    known.set(name, finding);
    return finding;
  };
}

/**
 * What is attached at its source to an image, to its platforms, and to what is attached to them: by the referrers API
 * or the tag in its place, and by cosign's tags. A subject comes before what is attached to it.
 * Throws REFERRER_NOT_COPIED past a limit, for a circle and for a list that is not true; ExternalSystemError.
 */
async function findReferrers(
  run: Finder,
  source: ItemPlace,
  image: ImageTree,
): Promise<readonly ReferrerTree[]> {
  const registry = await run.registryOf(source.connectionId);
  const limit = createLimiter(PARALLEL_SUBJECTS);
  const seen = new Set<string>();
  const found: ReferrerTree[] = [];

  /** `line`: the digests on the way from the image to this carrier. */
  async function visit(carrier: ImageTree, line: ReadonlySet<string>, depth: number): Promise<void> {
    // The platforms of an image may have their own, the parts of a referrer not. The root comes first.
    const subjects =
      depth === 1 ? carrier.manifests.map(({ digest }) => digest).toReversed() : [carrier.root.digest];
    const looks = subjects.map((subject) => limit(() => lookAt(run, registry, source.repository, subject)));
    const here = new Set([...line, ...subjects]);
    for (const sighting of (await Promise.all(looks)).flat()) {
      if (seen.has(keyOf(sighting))) continue;
      seen.add(keyOf(sighting));
      if (seen.size > MAX_REFERRERS) refuse(image, `more than ${MAX_REFERRERS} referrers`);
      if (here.has(sighting.digest)) refuse(image, `referrers in a circle, by way of ${sighting.digest}`);
      const own = await forReferrer(sighting, () => readSighted(run, source, sighting));
      if (own === null) continue;
      if (depth > MAX_DEPTH) refuse(image, `more than ${MAX_DEPTH} levels of referrers`);
      const isNew = found.every(({ referrer }) => referrer.digest !== sighting.digest);
      found.push(own);
      if (isNew) await visit(own.tree, here, depth + 1);
    }
  }

  await visit(image, new Set(), 1);
  const sizeBytes = found.reduce((sum, { referrer }) => sum + referrer.sizeBytes, 0);
  if (sizeBytes > MAX_BLOB_BYTES) refuse(image, `more than ${MAX_BLOB_BYTES} bytes of referrers`);
  return found;
}

const keyOf = ({ digest, tag }: Sighting): string => `${digest} ${tag ?? ""}`;

function refuse(image: ImageTree, what: string): never {
  throw new DomainError("REFERRER_NOT_COPIED", `The image ${image.root.digest} has ${what}`);
}

async function lookAt(
  { task }: Finder,
  registry: Registry,
  repository: string,
  subject: string,
): Promise<Sighting[]> {
  const listed = registry.listReferrers(repository, subject, task.signal);
  const tagged = cosignTagsOf(subject).map(async ({ kind, tag }): Promise<Sighting[]> => {
    const digest = await registry.findManifest(repository, tag, task.signal);
    return digest === null ? [] : [{ kind, tag, subject, digest }];
  });
  const [digests, ...tags] = await Promise.all([listed, ...tagged]);
  return [
    ...digests.map((digest): Sighting => ({ kind: "referrer", tag: null, subject, digest })),
    ...tags.flat(),
  ];
}

/**
 * Null for what a list names although it has no subject: some registries list what hangs on cosign's tags, too, where
 * it is found anyway.
 */
async function readSighted(run: Finder, source: ItemPlace, sighting: Sighting): Promise<ReferrerTree | null> {
  const tree = await run.treeAt({ ...source, reference: sighting.digest });
  const { mediaType, artifactType, subject } = readRoot(tree);
  if (sighting.kind === "referrer") {
    if (subject === null) return null;
    if (subject.digest !== sighting.subject)
      throw new DomainError("REFERRER_NOT_COPIED", `it says that it belongs to ${subject.digest}`);
  }
  return {
    referrer: { ...sighting, mediaType, artifactType, sizeBytes: bytesOf(tree), copied: false },
    tree,
  };
}
