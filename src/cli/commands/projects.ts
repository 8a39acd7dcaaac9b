import type { Command } from "commander";
import { ChangeProject, CreateProject, GetProject, ListProjects } from "../../api/contract/projects.ts";
import { ListServices } from "../../api/contract/services.ts";
import { define, group, run } from "../define.ts";
import {
  askedForReferrers,
  given,
  givenChange,
  type JsonOption,
  limited,
  type LimitOption,
  orNull,
  type ReferrersOption,
  referrersField,
} from "../options.ts";
import { print, printFields, printJson, printTable, shortTime } from "../output.ts";
import { firstItems } from "../pages.ts";
import { signedIn } from "../session.ts";

const REFERRERS =
  "Signatures and SBOMs are copied with a project's images when it says so, unless a release says otherwise.";

/** What can be said of a project on the command line; what is left out stays. */
interface ProjectOptions extends JsonOption, ReferrersOption {
  readonly name?: string;
}

/** What only a project that is there can be told. */
interface ChangeOptions extends ProjectOptions {
  readonly source?: string | false;
  readonly repository?: string | false;
  readonly buildWorkflow?: string | false;
}

const termsOf = ({ name, ...referrers }: ProjectOptions) => ({
  ...given({ name }),
  ...referrersField(referrers),
});

/** `headgate project …` and `headgate service …`. */
export function addProjectCommands(program: Command): void {
  const project = group(program, "project", "Projects: they own services and releases");
  askedForReferrers(
    define(project, "create <key>", {
      summary: "Make a project",
      examples: ['headgate project create shop --name "The shop"'],
      more: REFERRERS,
    }),
  )
    .option("--name <name>", "what people read; the key when left out")
    .action(run(create));
  askedForReferrers(
    define(project, "change <key>", {
      summary: "Change a project; what is left out stays",
      examples: [
        "headgate project change shop --with-referrers",
        "headgate project change shop --source code --repository acme/shop --build-workflow build",
      ],
      more: REFERRERS,
    }),
  )
    .option("--name <name>", "what people read")
    .option("--source <name>", "the connection to its repository (headgate source)")
    .option("--no-source", "its repository cannot be read any more")
    .option("--repository <org/name>", "its repository there")
    .option("--no-repository", "it has none")
    .option("--build-workflow <name>", "what builds its candidates (headgate workflow)")
    .option("--no-build-workflow", "they are ready at once")
    .action(run(change));
  addProjectReaders(project);
  addServiceCommands(program);
}

function addProjectReaders(project: Command): void {
  limited(
    define(project, "list", {
      summary: "List the projects that you may see",
      examples: ["headgate project list", "headgate project list --json"],
    }),
  ).action(
    run(async (options: JsonOption & LimitOption) => {
      const client = await signedIn();
      const items = await firstItems(options.limit, (query) => client.call(ListProjects, { query }));
      if (options.json) return printJson(items);
      printTable(
        ["KEY", "NAME", "MADE"],
        items.map((item) => [item.key, item.name, shortTime(item.createdAt)]),
      );
    }),
  );
  define(project, "show <key>", {
    summary: "Show one project",
    examples: ["headgate project show shop"],
  }).action(
    run(async (key: string, options: JsonOption) => {
      const client = await signedIn();
      const found = await client.call(GetProject, { params: { project: key } });
      if (options.json) return printJson(found);
      printFields([
        ["key", found.key],
        ["name", found.name],
        ["source", found.sourceConnection ?? ""],
        ["repository", found.repository ?? ""],
        ["build workflow", found.buildWorkflow ?? ""],
        ["referrers", found.withReferrers ? "copied with their images" : "not copied"],
        ["id", found.id],
        ["made", shortTime(found.createdAt)],
      ]);
    }),
  );
}

async function create(key: string, options: ProjectOptions): Promise<void> {
  const client = await signedIn();
  const made = await client.call(CreateProject, { body: { key, ...termsOf(options) } });
  if (options.json) printJson(made);
  else print(`Project ${made.key} is made.`);
}

async function change(key: string, options: ChangeOptions): Promise<void> {
  const body = givenChange({
    ...termsOf(options),
    source: orNull(options.source),
    repository: orNull(options.repository),
    buildWorkflow: orNull(options.buildWorkflow),
  });
  const client = await signedIn();
  const changed = await client.call(ChangeProject, { params: { project: key }, body });
  if (options.json) printJson(changed);
  else print(`Project ${changed.key} is changed.`);
}

function addServiceCommands(program: Command): void {
  const service = group(program, "service", "Services: the deployable parts of a project");
  limited(
    define(service, "list", {
      summary: "List a project's services; releases make the services that they name",
      examples: ["headgate service list --project shop"],
    }),
  )
    .requiredOption("--project <key>", "the project")
    .action(
      run(async (options: JsonOption & LimitOption & { project: string }) => {
        const client = await signedIn();
        const params = { project: options.project };
        const items = await firstItems(options.limit, (query) =>
          client.call(ListServices, { params, query }),
        );
        if (options.json) return printJson(items);
        printTable(
          ["NAME", "MADE"],
          items.map((item) => [item.name, shortTime(item.createdAt)]),
        );
      }),
    );
}
