import { readFileSync } from "node:fs";
import { FLOOR, HEADGATE, SYNC, TOGETHER } from "./copy-compare.ts";
import { type PeerWork, skopeoSync, skopeoTogether, uploadFiles } from "./copy-peers.ts";
import { type Contender, type CopyStage, withEmptyRegistry } from "./copy-stage.ts";
import type { Usage } from "./support/commands.ts";
import { connectRegistry, deliver, freshProject, targetRepository } from "./support/deliver.ts";
import type { ImageSet, SetImage } from "./support/image-set.ts";
import { type BenchRegistry, tagFile } from "./support/registries.ts";

/** First part of the repositories at the target. */
export const NAMESPACE = "live";
/** Asking the server how far it is costs it about a millisecond. */
const POLL_MILLIS = 50;

/** Where cold copies begin. */
export interface ColdStart {
  readonly stage: CopyStage;
  readonly set: Pick<ImageSet, "images" | "blobs">;
  readonly source: BenchRegistry;
}

/** Headgate delivers all images as one version: a fresh project, a fresh connection to a fresh target. */
export const headgateCold = (start: ColdStart): Contender => ({
  name: HEADGATE,
  run: () =>
    toEmptyTarget(start, async ({ home: _, ...what }) => {
      const { server } = start.stage;
      const connection = await connectRegistry(server, what.target);
      const project = await freshProject(server);
      return deliver(server, { ...what, project, connection, pollMillis: POLL_MILLIS });
    }),
});

export const skopeoTogetherCold = (start: ColdStart): Contender => ({
  name: TOGETHER,
  run: () => toEmptyTarget(start, skopeoTogether),
});

export const skopeoSyncCold = (start: ColdStart): Contender => ({
  name: SYNC,
  run: () => toEmptyTarget(start, skopeoSync),
});

/** The floor pushes no manifests, so there are no images to look at. */
export const floorCold = (start: ColdStart): Contender => ({
  name: FLOOR,
  run: () => withTarget(start, (work) => uploadFiles(work, start.set.blobs)),
});

function toEmptyTarget(start: ColdStart, copy: (work: PeerWork) => Promise<Usage>): Promise<Usage> {
  return withTarget(start, async (work) => {
    const usage = await copy(work);
    mustHold(work.target, work.images, work.namespace);
    return usage;
  });
}

/** Everything is new each time: the target's process and files, and the peer's home. */
function withTarget(
  { stage, set, source }: ColdStart,
  copy: (work: PeerWork) => Promise<Usage>,
): Promise<Usage> {
  return withEmptyRegistry(stage, source.certificate, async (target) => {
    const home = await stage.freshFolder("home");
    return copy({ images: set.images, source, target, namespace: NAMESPACE, home });
  });
}

/** Throws unless every tag at the target names the digest that it names at the source. */
export function mustHold(target: BenchRegistry, images: readonly SetImage[], namespace: string): void {
  for (const image of images) {
    const file = tagFile(target, targetRepository(image, namespace), image.tag);
    const found = readFileSync(file, "utf8");
    if (found !== image.digest)
      throw new Error(`${image.repository} arrived as ${found}, and was sent as ${image.digest}`);
  }
}
