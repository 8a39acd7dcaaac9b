import { CreateDeployment, RollBack } from "../../src/api/contract/deployments.ts";
import { CreateEnvironment, GetEnvironment } from "../../src/api/contract/environments.ts";
import { ListHolds } from "../../src/api/contract/holds.ts";
import { CreateWorkflow } from "../../src/api/contract/workflows.ts";
import { coloured } from "../../src/cli/output.ts";
import { PROGRAM } from "./deploy-program.ts";
import { checkLive, watchToEnd } from "./deploy-version.ts";
import type { Scene } from "./scene.ts";
import { PROJECT } from "./set-up.ts";

const STAGING = "staging";
/** Where users are. */
export const LIVE = "live";

const deploy = ({ production }: Scene, environment: string, version: string) =>
  production.client.call(CreateDeployment, { params: { project: PROJECT, environment }, body: { version } });

/** Makes two environments, and brings the copied version through the one into the other. */
export async function deployEverywhere(scene: Scene): Promise<void> {
  const { production, version, say } = scene;
  say.step(
    `Deploy ${version} to staging, then live`,
    "Carried out by a program that the operator allows. What succeeded in staging may go live, and nothing else.",
  );
  const params = { project: PROJECT };
  await production.client.call(CreateWorkflow, {
    params,
    body: { name: "deploy", provider: "command", target: PROGRAM },
  });
  for (const body of [
    { name: STAGING, tier: "staging", workflow: "deploy" },
    { name: LIVE, tier: "production", workflow: "deploy", promotionFrom: STAGING },
  ] as const)
    await production.client.call(CreateEnvironment, { params, body });
  for (const environment of [STAGING, LIVE]) {
    say.line(`${version} to ${coloured("bold", environment)}`);
    await watchToEnd(scene, await deploy(scene, environment, version), "success");
    await checkLive(scene, environment, version);
  }
  say.done("both run the digests that were pushed");
}

/** Lets the promoted version fail where users are, and goes back. */
export async function failAndGoBack(scene: Scene): Promise<void> {
  const { production, promotedVersion, version, live, say } = scene;
  say.step(
    `Deploy ${promotedVersion}, see it fail, go back`,
    "One call brings back what ran before. What was left is held: automation does not deploy it there again.",
  );
  await watchToEnd(scene, await deploy(scene, STAGING, promotedVersion), "success");
  await live.setBroken(LIVE, true);
  say.line(`${promotedVersion} to ${coloured("bold", LIVE)}`);
  await watchToEnd(scene, await deploy(scene, LIVE, promotedVersion), "failure");
  say.line(`${coloured("bold", LIVE)} goes back`);
  const params = { project: PROJECT, environment: LIVE };
  const back = await production.client.call(RollBack, { params, body: {} });
  await watchToEnd(scene, back, "success");
  await live.setBroken(LIVE, false);
  await checkLive(scene, LIVE, version);
  const { current } = await production.client.call(GetEnvironment, { params });
  if (current?.version !== version || back.version !== version)
    throw new Error(`${LIVE} went back to ${current?.version ?? "nothing"}, not to ${version}`);
  const { items } = await production.client.call(ListHolds, { params: { project: PROJECT } });
  if (!items.some((hold) => hold.environment === LIVE && hold.version === promotedVersion))
    throw new Error(`${promotedVersion} is not held in ${LIVE}`);
  say.fact(`${LIVE} runs`, current.version);
  say.fact("held there", promotedVersion);
  say.done(`rolled back to ${version}`);
}
