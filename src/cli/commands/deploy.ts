import type { Command } from "commander";
import {
  CancelDeployment,
  CreateDeployment,
  type DeploymentLine,
  ReportDeployment,
  RollBack,
} from "../../api/contract/deployments.ts";
import type { Client } from "../../api/client.ts";
import type { DeploymentStatus } from "../../deployments/deployment.ts";
import { define, run } from "../define.ts";
import { stateText } from "../deployment-words.ts";
import { type ForceOption, forceable, forceField } from "../force-option.ts";
import { type JsonOption, whole } from "../options.ts";
import { harmless, print, printJson } from "../output.ts";
import { signedIn } from "../session.ts";
import { watchDeployment } from "../watch-deployment.ts";

interface Watching extends JsonOption {
  readonly watch?: true;
}

const KEY = "makes a repeated command answer like the first one, for 24 hours";

/** `headgate deploy`, `rollback`, `report` and `cancel`. */
export function addDeployCommands(program: Command): void {
  forceable(
    define(program, "deploy <project> <environment> <version>", {
      summary: "Deploy a version to an environment; it starts when its turn comes",
      examples: [
        "headgate deploy shop staging 1.2.3-rc1 --watch",
        'headgate deploy shop prod 1.2.3-rc1 --force --reason "fixes the outage"',
      ],
      more: "What keeps it from going out, and when it can: headgate why. A watch that is left (Ctrl-C) stops nothing.",
    }),
  )
    .option("--watch", "watch it until it ends; fails when it does not succeed")
    .option("--idempotency-key <key>", KEY)
    .action(run(deploy));
  forceable(
    define(program, "rollback <project> <environment>", {
      summary: "Go back to the version that ran before; what is under way is called off first",
      examples: ["headgate rollback shop prod --watch", "headgate rollback shop prod --to 1.2.1-rc4 --watch"],
      more: "What was left is held: automation does not deploy it there again until the hold is lifted (headgate hold).",
    }),
  )
    .option("--to <version>", "to this one, which has succeeded there; else as the history has it")
    .option("--skip-rolled-back", "pass over versions that a rollback has left before")
    .option("--watch", "watch it until it ends; fails when it does not succeed")
    .option("--idempotency-key <key>", KEY)
    .action(run(rollBack));
  define(program, "report <project> <environment> <version> <status>", {
    summary: "Say how a deployment is that somebody else carries out; starts nothing",
    examples: [
      "headgate report shop prod 1.2.3-rc1 in_progress",
      'headgate report shop prod 1.2.3-rc1 failure --message "2 of 3 pods did not start"',
    ],
    more: "A status is pending, in_progress, success, failure, canceling, canceled or error. No gate refuses a report.",
  })
    .option("--message <text>", "what there is to say of it")
    .action(run(report));
  define(program, "cancel <number>", {
    summary: "Call a deployment off: at once when it has not started, else by asking its run to end",
    examples: ["headgate cancel 42", "headgate cancel 42 --watch"],
  })
    .option("--watch", "watch it until it has ended")
    .action(run(cancel));
}

type Deploying = Watching & ForceOption & { readonly idempotencyKey?: string };

const keyOf = ({ idempotencyKey }: Deploying) => (idempotencyKey === undefined ? {} : { idempotencyKey });

async function deploy(
  project: string,
  environment: string,
  version: string,
  options: Deploying,
): Promise<void> {
  const body = { version, ...forceField(options) };
  const client = await signedIn();
  const made = await client.call(
    CreateDeployment,
    { params: { project, environment }, body },
    keyOf(options),
  );
  await follow(client, made, options);
}

async function rollBack(
  project: string,
  environment: string,
  options: Deploying & { readonly to?: string; readonly skipRolledBack?: true },
): Promise<void> {
  const body = {
    ...(options.to !== undefined && { version: options.to }),
    ...(options.skipRolledBack && { skipRolledBack: true }),
    ...forceField(options),
  };
  const client = await signedIn();
  const made = await client.call(RollBack, { params: { project, environment }, body }, keyOf(options));
  await follow(client, made, options);
}

/** Says what was accepted, and watches it where that is asked for. */
export async function follow(client: Client, made: DeploymentLine, options: Watching): Promise<void> {
  const { number, kind, fromVersion, version, project, environment } = made;
  if (!options.json) {
    const what =
      kind === "rollback"
        ? `takes ${project}/${environment} back`
        : `brings ${version} to ${project}/${environment}`;
    const versions = kind === "rollback" ? ` from ${fromVersion ?? "what ran"} to ${version}` : "";
    print(harmless(`Deployment ${number} ${what}${versions}.`));
  }
  if (options.watch) return await watchDeployment(client, made, options);
  if (options.json) printJson(made);
  else print(harmless(stateText(made)));
}

async function report(
  project: string,
  environment: string,
  version: string,
  status: string,
  options: JsonOption & { readonly message?: string },
): Promise<void> {
  const client = await signedIn();
  const body = {
    version,
    // Checked by the server, which says which ones there are.
    status: status as DeploymentStatus,
    ...(options.message !== undefined && { message: options.message }),
  };
  const reported = await client.call(ReportDeployment, { params: { project, environment }, body });
  if (options.json) return printJson(reported);
  print(
    harmless(
      `Deployment ${reported.number} of ${version} to ${project}/${environment}: ${stateText(reported)}.`,
    ),
  );
}

async function cancel(number: string, options: Watching): Promise<void> {
  const params = { number: whole("number", number) };
  const client = await signedIn();
  const called = await client.call(CancelDeployment, { params });
  if (options.watch) {
    // It is meant to end so.
    return await watchDeployment(client, called, options, ["success", "canceled"]);
  }
  if (options.json) printJson(called);
  else print(harmless(`Deployment ${called.number} is called off: ${called.status}.`));
}
