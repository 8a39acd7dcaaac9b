import type { Client } from "../api/client.ts";
import { type DeploymentLine, type DeploymentReply, GetDeployment } from "../api/contract/deployments.ts";
import { type DeploymentStatus, isActive } from "../deployments/deployment.ts";
import { deploymentTeller } from "./deployment-words.ts";
import { CommandFailure, EXIT } from "./failure.ts";
import { harmless, printJson } from "./output.ts";
import { untilEnded } from "./until-ended.ts";

/**
 * Tells line by line how a deployment goes on, until it has ended; as JSON only how it ended. Throws CommandFailure when it
 * did not end as wanted.
 */
export async function watchDeployment(
  client: Client,
  { number }: Pick<DeploymentLine, "number">,
  options: { readonly json?: true },
  wanted: readonly DeploymentStatus[] = ["success"],
): Promise<void> {
  const tell = options.json ? () => undefined : deploymentTeller();
  const ended = await untilEnded({
    look: () => client.call(GetDeployment, { params: { number } }),
    tell,
    hasEnded: ({ status }) => !isActive(status),
    again: `headgate deployment watch ${number}`,
  });
  if (options.json) printJson(ended);
  if (!wanted.includes(ended.status)) throw failureOf(ended);
}

function failureOf({
  number,
  version,
  project,
  environment,
  status,
  error,
}: DeploymentReply): CommandFailure {
  const reason = error === null || error === "" ? "" : `: ${harmless(error)}`;
  return new CommandFailure(
    EXIT.failed,
    `deployment ${number} of ${version} to ${project}/${environment} ended as ${status}${reason}`,
  );
}
