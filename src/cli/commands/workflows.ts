import type { Command } from "commander";
import { ChangeWorkflow, CreateWorkflow, GetWorkflow, ListWorkflows } from "../../api/contract/workflows.ts";
import {
  parameterText,
  readParameter,
  type WorkflowChange,
  type WorkflowParameter,
  type WorkflowProvider,
} from "../../workflows/workflow.ts";
import { define, group, run } from "../define.ts";
import { misuse } from "../failure.ts";
import { collect, given, givenChange, type JsonOption, orNull } from "../options.ts";
import { harmless, print, printFields, printJson, printTable, shortTime } from "../output.ts";
import { signedIn } from "../session.ts";

/** What can be said of a workflow on the command line; what is left out stays. */
interface WorkflowOptions extends JsonOption {
  readonly rename?: string;
  readonly target?: string;
  readonly connection?: string | false;
  readonly repository?: string | false;
  readonly ref?: string | false;
  readonly parameter?: string[] | false;
}

const more = [
  "A parameter is name=source or name=source:value, such as HEADGATE_IMAGE=image:api or mode=custom:canary. Sources: custom (the",
  "text), id, run, commit, version, release_version, candidate_number, from_version, environment, actor, is_rollback, image (of",
  "the service), items. A program is one that the operator of the server allows, by name; it needs a system admin.",
].join("\n");

const describable = (command: Command): Command =>
  command
    .option("--connection <name>", "of GitHub: the connection; else the project's own")
    .option("--repository <org/name>", "of GitHub: the repository; else the project's own")
    .option("--ref <branch or tag>", "whose workflow file counts; else the default branch's")
    .option(
      "--parameter <parameter>",
      "an input besides those that every workflow gets; may be repeated",
      collect,
    );

/** `headgate workflow …`: what carries out builds and deployments. */
export function addWorkflowCommands(program: Command): void {
  const workflow = group(program, "workflow", "Workflows: what carries out builds and deployments");
  describable(
    define(workflow, "create <project> <name>", {
      summary: "Make a workflow: a program of the server's, or a workflow of GitHub Actions",
      examples: [
        "headgate workflow create shop deploy --provider command --target deploy-shop",
        "headgate workflow create shop build --provider github --target build.yml --parameter sha=commit",
      ],
      more,
    }),
  )
    .requiredOption("--provider <provider>", "command or github")
    .requiredOption("--target <name>", "the name of the program, or the workflow file such as deploy.yml")
    .action(run(create));
  describable(
    define(workflow, "change <project> <name>", {
      summary: "Change a workflow; what is left out stays, runs under way go on as they were started",
      examples: ["headgate workflow change shop deploy --parameter HEADGATE_IMAGE=image:api"],
      more,
    }),
  )
    .option("--rename <name>", "its new name")
    .option("--target <name>", "the name of the program, or the workflow file such as deploy.yml")
    .option("--no-connection", "the project's own")
    .option("--no-repository", "the project's own")
    .option("--no-ref", "the default branch's")
    .option("--no-parameter", "no inputs of its own")
    .action(run(change));
  define(workflow, "list <project>", {
    summary: "List a project's workflows",
    examples: ["headgate workflow list shop"],
  }).action(run(listAll));
  define(workflow, "show <project> <name>", {
    summary: "Show a workflow and what it is told",
    examples: ["headgate workflow show shop deploy"],
  }).action(run(show));
}

const termsOf = (options: WorkflowOptions): WorkflowChange =>
  given({
    name: options.rename,
    target: options.target,
    connection: orNull(options.connection),
    repository: orNull(options.repository),
    ref: orNull(options.ref),
    parameters: options.parameter === false ? [] : options.parameter?.map(parameterOf),
  });

function parameterOf(text: string): WorkflowParameter {
  const parameter = readParameter(text);
  if (!parameter) throw misuse(`--parameter ${text} is not name=source or name=source:value (see --help)`);
  return parameter;
}

async function create(
  project: string,
  name: string,
  options: WorkflowOptions & { readonly provider: string; readonly target: string },
): Promise<void> {
  // Checked by the server, which says which ones there are.
  const provider = options.provider as WorkflowProvider;
  const body = { ...termsOf(options), name, provider, target: options.target };
  const client = await signedIn();
  const made = await client.call(CreateWorkflow, { params: { project }, body });
  if (options.json) printJson(made);
  else print(harmless(`Workflow ${project}/${made.name} (${made.provider} ${made.target}) is made.`));
}

async function change(project: string, name: string, options: WorkflowOptions): Promise<void> {
  const body = givenChange(termsOf(options));
  const client = await signedIn();
  const changed = await client.call(ChangeWorkflow, { params: { project, workflow: name }, body });
  if (options.json) printJson(changed);
  else print(harmless(`Workflow ${project}/${changed.name} is changed.`));
}

async function listAll(project: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  const { items } = await client.call(ListWorkflows, { params: { project } });
  if (options.json) return printJson(items);
  printTable(
    ["NAME", "PROVIDER", "TARGET", "REPOSITORY", "PARAMETERS"],
    items.map((item) => [
      item.name,
      item.provider,
      item.target,
      item.repository ?? "",
      item.parameters.map(({ name }) => name).join(" "),
    ]),
  );
}

async function show(project: string, name: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  const found = await client.call(GetWorkflow, { params: { project, workflow: name } });
  if (options.json) return printJson(found);
  const own = found.provider === "github" ? "the project's own" : "";
  printFields([
    ["workflow", `${found.project}/${found.name}`],
    ["provider", found.provider],
    ["target", found.target],
    ["connection", found.connection ?? own],
    ["repository", found.repository ?? own],
    ["ref", found.ref ?? (own && "the default branch")],
    ...found.parameters.map((one) => ["parameter", parameterText(one)] as const),
    ["id", found.id],
    ["changed", shortTime(found.updatedAt)],
  ]);
}
