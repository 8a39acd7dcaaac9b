import type { Command } from "commander";
import {
  ChangeEnvironment,
  CreateEnvironment,
  type EnvironmentReply,
  GetEnvironment,
  ListEnvironments,
} from "../../api/contract/environments.ts";
import type { EnvironmentChange } from "../../environments/environment.ts";
import { define, group, run } from "../define.ts";
import { given, givenChange, type JsonOption, orNull, positiveNumber, wholeNumber } from "../options.ts";
import { harmless, print, printFields, printJson, printTable, shortTime } from "../output.ts";
import { signedIn } from "../session.ts";

/** What can be said of an environment on the command line; what is left out stays. */
interface EnvironmentOptions extends JsonOption {
  readonly rename?: string;
  readonly tier?: string;
  readonly position?: number;
  readonly workflow?: string | false;
  readonly concurrency?: string;
  readonly promotionFrom?: string | false;
  readonly autoDeploy?: boolean;
  readonly timeLimit?: number;
}

const describable = (command: Command): Command =>
  command
    .option("--tier <tier>", "production, staging or development")
    .option("--position <number>", "its place in the order, from 0", wholeNumber)
    .option(
      "--workflow <name>",
      "what carries out its deployments; without one somebody else does, and reports",
    )
    .option(
      "--concurrency <policy>",
      "while a deployment is under way others queue, get a reject, or supersede those that wait",
    )
    .option("--promotion-from <environment>", "a version must have succeeded there before")
    .option("--auto-deploy", "every candidate is deployed here once it is ready")
    .option("--time-limit <minutes>", "how long a deployment may show no sign of life", positiveNumber);

/** `headgate environment …`: where a project runs. */
export function addEnvironmentCommands(program: Command): void {
  const environment = group(program, "environment", "Environments: where a project runs");
  describable(
    define(environment, "create <project> <name>", {
      summary: "Make an environment",
      examples: [
        "headgate environment create shop staging --tier staging --workflow deploy",
        "headgate environment create shop prod --tier production --workflow deploy --promotion-from staging",
      ],
      more: "What is left out: tier development, last in the order, no workflow, queue, no promotion rule.",
    }),
  ).action(run(create));
  describable(
    define(environment, "change <project> <name>", {
      summary: "Change an environment; what is left out stays",
      examples: ["headgate environment change shop prod --no-promotion-from --time-limit 30"],
    }),
  )
    .option("--rename <name>", "its new name, in its past deployments too")
    .option("--no-workflow", "nothing of Headgate's carries out its deployments")
    .option("--no-promotion-from", "no version has to succeed elsewhere before")
    .option("--no-auto-deploy", "nothing is deployed here by itself")
    .action(run(change));
  define(environment, "list <project>", {
    summary: "List a project's environments in their order, and what runs there",
    examples: ["headgate environment list shop"],
  }).action(run(listAll));
  define(environment, "show <project> <name>", {
    summary: "Show an environment, and what runs there",
    examples: ["headgate environment show shop prod"],
  }).action(run(show));
}

const termsOf = (options: EnvironmentOptions): EnvironmentChange =>
  given({
    // Checked by the server, which says which ones there are.
    tier: options.tier as EnvironmentChange["tier"],
    concurrency: options.concurrency as EnvironmentChange["concurrency"],
    name: options.rename,
    position: options.position,
    workflow: orNull(options.workflow),
    promotionFrom: orNull(options.promotionFrom),
    autoDeploy: options.autoDeploy,
    timeLimitMinutes: options.timeLimit,
  });

async function create(project: string, name: string, options: EnvironmentOptions): Promise<void> {
  const client = await signedIn();
  const body = { ...termsOf(options), name };
  const made = await client.call(CreateEnvironment, { params: { project }, body });
  if (options.json) printJson(made);
  else print(harmless(`Environment ${project}/${made.name} is made.`));
}

async function change(project: string, name: string, options: EnvironmentOptions): Promise<void> {
  const body = givenChange(termsOf(options));
  const client = await signedIn();
  const changed = await client.call(ChangeEnvironment, { params: { project, environment: name }, body });
  if (options.json) printJson(changed);
  else print(harmless(`Environment ${project}/${changed.name} is changed.`));
}

async function listAll(project: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  const { items } = await client.call(ListEnvironments, { params: { project } });
  if (options.json) return printJson(items);
  printTable(
    ["NAME", "TIER", "RUNS", "SINCE", "WORKFLOW", "PROMOTED FROM", "CONCURRENCY"],
    items.map((item) => [
      item.name,
      item.tier,
      item.current?.version ?? "",
      item.current ? shortTime(item.current.since) : "",
      item.workflow ?? "(reported)",
      item.promotionFrom ?? "",
      item.concurrency,
    ]),
  );
}

async function show(project: string, name: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  const found = await client.call(GetEnvironment, { params: { project, environment: name } });
  if (options.json) printJson(found);
  else printEnvironment(found);
}

const printEnvironment = (found: EnvironmentReply): void =>
  printFields([
    ["environment", `${found.project}/${found.name}`],
    ["tier", found.tier],
    ["position", String(found.position)],
    [
      "runs",
      found.current
        ? `${found.current.version}, since ${shortTime(found.current.since)} by deployment ${found.current.number}`
        : "nothing that is known",
    ],
    ["deployments", String(found.deployments)],
    ["workflow", found.workflow ?? "none: somebody else deploys, and reports"],
    ["promoted from", found.promotionFrom ?? ""],
    ["concurrency", found.concurrency],
    ["by itself", found.autoDeploy ? "every candidate that is ready" : ""],
    ["time limit", `${found.timeLimitMinutes} min without a sign of life`],
    ["id", found.id],
    ["changed", shortTime(found.updatedAt)],
  ]);
