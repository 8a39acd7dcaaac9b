import { cp } from "node:fs/promises";
import { compare, HEADGATE, HEADGATE_AGAIN, TOGETHER, TOGETHER_WARM } from "./copy-compare.ts";
import { type PeerWork, skopeoTogether } from "./copy-peers.ts";
import { type CopyStage, takeTurns, withEmptyRegistry } from "./copy-stage.ts";
import type { Usage } from "./support/commands.ts";
import { connectRegistry, deliver, freshProject } from "./support/deliver.ts";
import { describeSet } from "./support/image-set.ts";
import { type BenchRegistry, mustHold } from "./support/registries.ts";
import type { ScenarioReport } from "./support/report.ts";

/** Often enough for deliveries that take a fraction of a second. */
const POLL_MILLIS = 50;

/** Every image is at the target already, brought there by somebody else. */
export async function alreadyThere(stage: CopyStage): Promise<ScenarioReport> {
  const { set, source } = await stage.tenImages();
  const { server } = stage;
  const namespace = "live";
  const usages = await withEmptyRegistry(stage, undefined, async (target, home) => {
    const connection = await connectRegistry(server, target);
    const work = { images: set.images, source, target, namespace };
    await skopeoTogether({ ...work, home });
    return takeTurns(stage.options, [
      {
        name: HEADGATE,
        run: async () =>
          deliver(server, {
            ...work,
            connection,
            project: await freshProject(server),
            pollMillis: POLL_MILLIS,
          }),
      },
      {
        name: TOGETHER,
        run: async () => skopeoTogether({ ...work, home: await stage.freshFolder("home") }),
      },
    ]);
  });
  const about = `${describeSet(set)}, all at the target before; project and skopeo's location cache are new for each run`;
  return compare("already-there", about, usages, [{ peer: TOGETHER, wallAtMost: 0.12 }]);
}

/** The images go from one namespace of a registry to another that is new for each run. */
export async function promotion(stage: CopyStage): Promise<ScenarioReport> {
  const { set, source: registry, connection } = await stage.tenImages();
  const { server } = stage;
  const promote = promoterIn(registry, set.images);
  const byHeadgate = (project: string): Promise<Usage> =>
    promote((work) => deliver(server, { ...work, project, connection, pollMillis: POLL_MILLIS }));
  const bySkopeo = (home: string): Promise<Usage> => promote((work) => skopeoTogether({ ...work, home }));

  const experienced = await freshProject(server);
  await byHeadgate(experienced);
  const warmHome = await stage.freshFolder("home");
  await bySkopeo(warmHome);
  const usages = await takeTurns(stage.options, [
    { name: HEADGATE, run: async () => byHeadgate(await freshProject(server)) },
    { name: HEADGATE_AGAIN, run: () => byHeadgate(experienced) },
    { name: TOGETHER, run: async () => bySkopeo(await stage.freshFolder("home")) },
    {
      name: TOGETHER_WARM,
      run: async () => {
        const home = await stage.freshFolder("home");
        await cp(warmHome, home, { recursive: true });
        return bySkopeo(home);
      },
    },
  ]);
  const about = `${describeSet(set)}, into new repositories of the registry that holds them; skopeo with its location cache empty, and warm from one promotion before`;
  return compare("promotion", about, usages, [
    { peer: TOGETHER, wallAtMost: 0.1 },
    { peer: TOGETHER_WARM, wallAtMost: 0.35 },
    { ours: HEADGATE_AGAIN, peer: TOGETHER_WARM },
  ]);
}

/** Lets somebody promote into repositories that nobody used before, and looks whether all is there. */
function promoterIn(registry: BenchRegistry, images: PeerWork["images"]) {
  let promotions = 0;
  return async (copy: (work: Omit<PeerWork, "home">) => Promise<Usage>): Promise<Usage> => {
    const namespace = `promoted-${(promotions += 1)}`;
    const usage = await copy({ images, source: registry, target: registry, namespace });
    mustHold(registry, images, namespace);
    return usage;
  };
}
