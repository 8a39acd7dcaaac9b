import { setTimeout as sleep } from "node:timers/promises";
import {
  type DeploymentLine,
  type DeploymentReply,
  GetDeployment,
} from "../../src/api/contract/deployments.ts";
import { deploymentTeller } from "../../src/cli/deployment-words.ts";
import { harmless } from "../../src/cli/output.ts";
import { isActive } from "../../src/deployments/deployment.ts";
import type { Scene } from "./scene.ts";

const POLL_MILLIS = 100;
const PATIENCE_MILLIS = 60_000;

/** Tells how a deployment goes on until it has ended. Throws when it did not end as wanted. */
export async function watchToEnd(
  { production, say }: Scene,
  { number, version, environment }: DeploymentLine,
  wanted: DeploymentReply["status"],
): Promise<DeploymentReply> {
  const tell = deploymentTeller((line) => say.line(`  ${line}`));
  const givesUpAt = performance.now() + PATIENCE_MILLIS;
  for (;;) {
    const now = await production.client.call(GetDeployment, { params: { number } });
    tell(now);
    if (!isActive(now.status)) {
      if (now.status === wanted) return now;
      throw new Error(
        `${version} in ${environment} ended as ${now.status}, not as ${wanted}: ${harmless(now.error ?? "")}`,
      );
    }
    if (performance.now() > givesUpAt) throw new Error(`${version} in ${environment} is still ${now.status}`);
    await sleep(POLL_MILLIS);
  }
}

/** Looks at what an environment really runs. Throws when that is not this version with the images that were pushed. */
export async function checkLive(
  { live, images }: Scene,
  environment: string,
  version: string,
): Promise<void> {
  const text = await live.read(environment);
  const missing = images.filter(({ digest }) => !text.includes(digest)).map(({ service }) => service);
  if (!text.includes(JSON.stringify(version)) || missing.length > 0)
    throw new Error(`${environment} does not run ${version} as it was pinned: ${text.slice(0, 500)}`);
}
