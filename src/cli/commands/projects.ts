import type { Command } from "commander";
import { CreateProject, GetProject, ListProjects } from "../../api/contract/projects.ts";
import { ListServices } from "../../api/contract/services.ts";
import { define, group, run } from "../define.ts";
import { type JsonOption, limited, type LimitOption } from "../options.ts";
import { print, printFields, printJson, printTable, shortTime } from "../output.ts";
import { firstItems } from "../pages.ts";
import { signedIn } from "../session.ts";

/** `headgate project …` and `headgate service …`. */
export function addProjectCommands(program: Command): void {
  const project = group(program, "project", "Projects: they own services and releases");
  define(project, "create <key>", {
    summary: "Make a project",
    examples: ['headgate project create shop --name "The shop"'],
  })
    .option("--name <name>", "what people read; the key when left out")
    .action(
      run(async (key: string, options: JsonOption & { name?: string }) => {
        const client = await signedIn();
        const { name } = options;
        const made = await client.call(CreateProject, { body: { key, ...(name !== undefined && { name }) } });
        if (options.json) printJson(made);
        else print(`Project ${made.key} is made.`);
      }),
    );
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
        ["id", found.id],
        ["made", shortTime(found.createdAt)],
      ]);
    }),
  );
  addServiceCommands(program);
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
