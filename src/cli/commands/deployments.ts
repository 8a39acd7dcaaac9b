import type { Command } from "commander";
import {
  type DeploymentReply,
  GetDeployment,
  ListDeployments,
  StartAgain,
} from "../../api/contract/deployments.ts";
import type { DeploymentStatus } from "../../deployments/deployment.ts";
import { define, group, run } from "../define.ts";
import { movesText, runText, stateText, tookText } from "../deployment-words.ts";
import { type ForceOption, forceable, forceField } from "../force-option.ts";
import { type JsonOption, limited, type LimitOption, whole } from "../options.ts";
import { coloured, print, printFields, printJson, printTable, shortTime } from "../output.ts";
import { firstItems } from "../pages.ts";
import { signedIn } from "../session.ts";
import { watchDeployment } from "../watch-deployment.ts";
import { follow } from "./deploy.ts";

/** `headgate deployment …`: what was and is deployed. */
export function addDeploymentCommands(program: Command): void {
  const deployment = group(program, "deployment", "Deployments: what an environment was made to run");
  limited(
    define(deployment, "list <project> <environment>", {
      summary: "List an environment's deployments, newest first",
      examples: [
        "headgate deployment list shop prod",
        "headgate deployment list shop prod --status failure --json",
      ],
    }),
  )
    .option("--status <status>", "only those that are pending, in_progress, success, failure, canceled …")
    .action(run(listAll));
  define(deployment, "show <number>", {
    summary: "Show a deployment, its history and the attempts to carry it out",
    examples: ["headgate deployment show 42"],
  }).action(run(show));
  define(deployment, "watch <number>", {
    summary: "Watch a deployment until it ends; fails when it does not succeed",
    examples: ["headgate deployment watch 42"],
  }).action(
    run(async (number: string, options: JsonOption) =>
      watchDeployment(await signedIn(), { number: whole("number", number) }, options),
    ),
  );
  forceable(
    define(deployment, "start-again <number>", {
      summary: "Deploy once more what did not succeed; one whose run cannot be found is given up first",
      examples: ["headgate deployment start-again 42 --watch"],
    }),
  )
    .option("--watch", "watch it until it ends; fails when it does not succeed")
    .action(run(startAgain));
}

async function listAll(
  project: string,
  environment: string,
  options: JsonOption & LimitOption & { readonly status?: string },
): Promise<void> {
  const client = await signedIn();
  // Checked by the server, which says which ones there are.
  const status = options.status as DeploymentStatus | undefined;
  const items = await firstItems(options.limit, (page) =>
    client.call(ListDeployments, { params: { project, environment }, query: { ...page, status } }),
  );
  if (options.json) return printJson(items);
  printTable(
    ["NUMBER", "VERSION", "STATUS", "ASKED FOR", "BY", "TOOK", "WAITS FOR"],
    items.map((item) => [
      String(item.number),
      movesText(item),
      item.status,
      shortTime(item.requestedAt),
      item.actorName,
      tookText(item),
      item.status === "pending" ? item.waitsFor : "",
    ]),
  );
}

async function show(number: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  const found = await client.call(GetDeployment, { params: { number: whole("number", number) } });
  if (options.json) printJson(found);
  else printDeployment(found);
}

function printDeployment(found: DeploymentReply): void {
  printFields([
    ["deployment", `${found.number}, the ${found.environmentNumber}. of its environment`],
    ["environment", `${found.project}/${found.environment}`],
    ["version", movesText(found)],
    ["status", stateText(found)],
    ["error", found.error ?? ""],
    ["asked for", `${shortTime(found.requestedAt)} by ${found.actorName}`],
    ["forced", found.forced.map(({ rule }) => rule).join(", ")],
    ["reason", found.forceReason ?? ""],
    ["started", found.startedAt ? shortTime(found.startedAt) : ""],
    ["ended", found.endedAt ? `${shortTime(found.endedAt)}, after ${tookText(found) || "no time"}` : ""],
  ]);
  if (found.runs.length > 0) print(`\n${coloured("bold", "attempts")}`);
  printFields(found.runs.map((one) => [`  ${one.attempt}`, runText(one)]));
  print(`\n${coloured("bold", "history")}`);
  printFields(
    found.history.map(({ at, status, source, actorName, message }) => [
      `  ${shortTime(at)}`,
      `${status}, ${source === "headgate" ? "" : `${source} `}by ${actorName}${message === "" ? "" : `: ${message}`}`,
    ]),
  );
}

async function startAgain(
  number: string,
  options: JsonOption & ForceOption & { readonly watch?: true },
): Promise<void> {
  const params = { number: whole("number", number) };
  const body = forceField(options);
  const client = await signedIn();
  await follow(client, await client.call(StartAgain, { params, body }), options);
}
