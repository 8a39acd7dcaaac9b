import { compare, FLOOR, HEADGATE, SYNC, TOGETHER } from "./copy-compare.ts";
import { type PeerWork, skopeoSync, skopeoTogether, uploadFiles } from "./copy-peers.ts";
import { type Cargo, type Contender, type CopyStage, takeTurns, withEmptyRegistry } from "./copy-stage.ts";
import type { Usage } from "./support/commands.ts";
import { connectRegistry, deliver, freshProject } from "./support/deliver.ts";
import { describeSet } from "./support/image-set.ts";
import { mustHold, startRegistry } from "./support/registries.ts";
import type { ScenarioReport } from "./support/report.ts";

const COLD = "everything is new for each run: target registry, project, connection, the peers' caches";
/** Seldom, for an answer costs the server milliseconds of CPU time that count. */
const POLL_MILLIS = 250;

/** Ten images over http to a registry that holds nothing. */
export async function httpCold(stage: CopyStage): Promise<ScenarioReport> {
  const cargo = await stage.tenImages();
  const { set } = cargo;
  const usages = await takeTurns(stage.options, [
    headgateCold(stage, cargo),
    skopeoCold(stage, cargo),
    { name: SYNC, run: () => toEmptyTarget(stage, cargo, skopeoSync) },
    // It pushes no manifests, so there are no images to look at afterwards.
    { name: FLOOR, run: () => withTarget(stage, cargo, (work) => uploadFiles(work, set.blobs)) },
  ]);
  return compare("http-cold", `${describeSet(set)}; ${COLD}`, usages, [
    { peer: TOGETHER, wallAtMost: 0.45, cpuAtMost: 0.25 },
    { peer: SYNC, wallAtMost: 0.65, cpuAtMost: 0.45 },
    { peer: FLOOR, wallAtMost: 1.1 },
  ]);
}

/** The same over https on both sides, certificates checked by all. */
export async function tlsCold(stage: CopyStage): Promise<ScenarioReport> {
  const { set, source } = await stage.tenImages();
  const cargo = { set, source: await startRegistry(source.folder, stage.certificate) };
  await connectRegistry(stage.server, cargo.source);
  const usages = await takeTurns(stage.options, [headgateCold(stage, cargo), skopeoCold(stage, cargo)]);
  await cargo.source.stop();
  return compare("tls-cold", `${describeSet(set)}; https; ${COLD}`, usages, [
    { peer: TOGETHER, wallAtMost: 0.75, cpuAtMost: 0.45 },
  ]);
}

/** Headgate delivers all images as one version; each run in a fresh project, through a fresh connection. */
export const headgateCold = (stage: CopyStage, cargo: Cargo): Contender => ({
  name: HEADGATE,
  run: () =>
    toEmptyTarget(stage, cargo, async (work) => {
      const connection = await connectRegistry(stage.server, work.target);
      const project = await freshProject(stage.server);
      return deliver(stage.server, { ...work, project, connection, pollMillis: POLL_MILLIS });
    }),
});

/** skopeo copies all images at the same time. */
export const skopeoCold = (stage: CopyStage, cargo: Cargo): Contender => ({
  name: TOGETHER,
  run: () => toEmptyTarget(stage, cargo, skopeoTogether),
});

/** Lets somebody copy as `withTarget` does, and looks whether all is there. */
export const toEmptyTarget = (
  stage: CopyStage,
  cargo: Cargo,
  copy: (work: PeerWork) => Promise<Usage>,
): Promise<Usage> =>
  withTarget(stage, cargo, async (work) => {
    const usage = await copy(work);
    mustHold(work.target, work.images, work.namespace);
    return usage;
  });

/** Lets somebody copy to a registry that is new, with a home that is empty. */
export const withTarget = (
  stage: CopyStage,
  { set, source }: Cargo,
  copy: (work: PeerWork) => Promise<Usage>,
): Promise<Usage> =>
  withEmptyRegistry(stage, source.certificate, (target, home) =>
    copy({ images: set.images, source, target, namespace: "live", home }),
  );
