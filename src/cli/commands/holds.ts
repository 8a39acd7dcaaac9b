import type { Command } from "commander";
import { LiftEnvironmentHolds, LiftHold, ListEnvironmentHolds, ListHolds } from "../../api/contract/holds.ts";
import { define, group, run } from "../define.ts";
import { misuse } from "../failure.ts";
import type { JsonOption } from "../options.ts";
import { harmless, print, printJson, printTable, shortTime } from "../output.ts";
import { signedIn } from "../session.ts";

/** `headgate hold …`: what automation may not deploy again. */
export function addHoldCommands(program: Command): void {
  const hold = group(program, "hold", "Holds: what automation may not deploy again after a rollback");
  define(hold, "list <project> [environment]", {
    summary: "List the holds of a project, or of one environment",
    examples: ["headgate hold list shop", "headgate hold list shop prod"],
  }).action(run(listAll));
  define(hold, "lift <project> <environment> [version]", {
    summary: "Let automation deploy a version there again",
    examples: ["headgate hold lift shop prod 1.2.3-rc1", "headgate hold lift shop prod --all"],
  })
    .option("--all", "every version that is held there")
    .action(run(lift));
}

async function listAll(project: string, environment: string | undefined, options: JsonOption): Promise<void> {
  const client = await signedIn();
  const { items } =
    environment === undefined
      ? await client.call(ListHolds, { params: { project } })
      : await client.call(ListEnvironmentHolds, { params: { project, environment } });
  if (options.json) return printJson(items);
  printTable(
    ["ENVIRONMENT", "VERSION", "SINCE", "BY", "REASON"],
    items.map((item) => [
      item.environment,
      item.version,
      shortTime(item.createdAt),
      item.createdBy,
      item.reason,
    ]),
  );
}

async function lift(
  project: string,
  environment: string,
  version: string | undefined,
  options: JsonOption & { readonly all?: true },
): Promise<void> {
  if ((version === undefined) !== (options.all ?? false)) throw misuse("say which version, or --all");
  const client = await signedIn();
  if (version === undefined) await client.call(LiftEnvironmentHolds, { params: { project, environment } });
  else await client.call(LiftHold, { params: { project, environment, version } });
  if (options.json) printJson({ lifted: version ?? "all" });
  else print(harmless(`Nothing holds ${version ?? "any version"} in ${project}/${environment} any more.`));
}
