import { readFile } from "node:fs/promises";
import { join } from "node:path";
import * as z from "zod";
import { freezeAndAsk } from "./freeze-and-ask.ts";
import { promote, PROMOTED_TAG, release } from "./move-release.ts";
import type { Narrator } from "./narrator.ts";
import type { DemoOptions } from "./options.ts";
import { pack, push } from "./prepare-images.ts";
import { introduce, startServers } from "./prepare-servers.ts";
import { deployEverywhere, failAndGoBack } from "./run-release.ts";
import type { Played, Scene } from "./scene.ts";
import { check, showPins } from "./show-result.ts";
import type { Stage } from "./stage.ts";

/** How many steps `play` tells. */
export const STEPS = 11;

/** The whole demonstration, from two empty servers to a release that runs. Throws when anything is not as promised. */
export async function play(root: string, stage: Stage, options: DemoOptions, say: Narrator): Promise<Played> {
  const { build, production, live } = await startServers(stage, options, say);
  const images = await pack(root, stage, say);
  const version = await readVersion(root);
  const { source, readAs } = await push({ build, options, images, version, say });
  const ends = await introduce({ production, readAs, options, say });
  const promotedVersion = `${version}-${PROMOTED_TAG}`;
  const scene: Scene = { build, production, images, version, promotedVersion, source, live, say, ...ends };
  await release(scene);
  await promote(scene);
  await showPins(scene);
  await check(scene);
  await deployEverywhere(scene);
  await failAndGoBack(scene);
  await freezeAndAsk(scene);
  return scene;
}

const Manifest = z.object({ version: z.string() });

const readVersion = async (root: string): Promise<string> =>
  Manifest.parse(JSON.parse(await readFile(join(root, "package.json"), "utf8"))).version;
