import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import {
  ChangeConnection,
  CreateConnection,
  DeleteConnection,
  GetConnection,
  ListConnections,
} from "../../api/contract/connections.ts";
import type { Connection, ConnectionChange } from "../../connections/connection.ts";
import { sharedWith } from "../connection-words.ts";
import { define, group, run } from "../define.ts";
import { misuse } from "../failure.ts";
import { collect, type JsonOption, limited, type LimitOption } from "../options.ts";
import { print, printFields, printJson, printTable, shortTime } from "../output.ts";
import { firstItems } from "../pages.ts";
import { readPassword } from "../prompt.ts";
import { signedIn } from "../session.ts";
import { addRegistryTest } from "./registry-test.ts";

/** What can be said of a registry on the command line; what is left out stays. */
interface RegistryOptions extends JsonOption {
  readonly host?: string;
  readonly namespace?: string;
  readonly provider?: string;
  readonly region?: string;
  readonly username?: string;
  readonly anonymous?: true;
  readonly passwordStdin?: true;
  readonly plainHttp?: boolean;
  readonly allowPrivate?: boolean;
  readonly caFile?: string;
  readonly default?: boolean;
  readonly project?: string[];
  readonly allProjects?: boolean;
}

const more = [
  "The password comes from HEADGATE_REGISTRY_PASSWORD, from --password-stdin, or is asked for; never from a flag.",
  "A registry on a loopback or private address needs --allow-private; one without TLS needs --plain-http.",
].join("\n");

const describable = (command: Command): Command =>
  command
    .option("--namespace <path>", "the path between host and image")
    .option("--provider <name>", "native, harbor, dockerhub, ecr, acr, swr, tcr, jfrog …")
    .option("--region <name>", "the provider's region")
    .option("--username <name>", "who signs in to the registry")
    .option("--password-stdin", "read the password from standard input")
    .option("--plain-http", "speak http; otherwise https, always")
    .option("--no-plain-http", "speak https")
    .option("--allow-private", "its address may be private or loopback")
    .option("--no-allow-private", "its address must be public")
    .option("--ca-file <file>", "certificate authorities to trust, PEM")
    .option("--default", "mark it as the default in lists of registries")
    .option("--no-default", "do not")
    .option("--project <key>", "share it with this project; may be repeated", collect)
    .option("--all-projects", "share it with every project, also later ones")
    .option("--no-all-projects", "share it with the named projects only");

/** `headgate registry …`: the registries that images are copied from and to. */
export function addRegistryCommands(program: Command): void {
  const registry = group(program, "registry", "Registry connections: where images are copied from and to");
  describable(
    define(registry, "add <name>", {
      summary: "Make a registry connection",
      examples: [
        "headgate registry add build --host 127.0.0.1:5501 --plain-http --allow-private --all-projects",
        "headgate registry add prod --host registry.example --namespace shop --username robot --project shop",
      ],
      more,
    }).requiredOption("--host <host>", "where it listens: host or host:port"),
  ).action(run(add));
  describable(
    define(registry, "change <registry>", {
      summary: "Change a registry connection; what is left out stays",
      examples: ["headgate registry change prod --project shop --project warehouse"],
      more,
    })
      .option("--host <host>", "where it listens: host or host:port")
      .option("--anonymous", "sign in no more: forget username and password"),
  ).action(run(change));
  limited(
    define(registry, "list", {
      summary: "List the registry connections",
      examples: ["headgate registry list"],
    }),
  ).action(run(listAll));
  define(registry, "show <registry>", {
    summary: "Show a registry connection, by name or id; its password is never shown",
    examples: ["headgate registry show prod"],
  }).action(run(show));
  define(registry, "remove <registry>", {
    summary: "Delete a registry connection that no release uses",
    examples: ["headgate registry remove build"],
  }).action(run(remove));
  addRegistryTest(registry);
}

async function add(name: string, options: RegistryOptions & { readonly host: string }): Promise<void> {
  const client = await signedIn();
  const terms = await termsOf(options, options.username !== undefined);
  const made = await client.call(CreateConnection, { body: { ...terms, name, host: options.host } });
  if (options.json) return printJson(made);
  print(
    `Registry ${made.name} (${addressOf(made)}) is added. Check it with: headgate registry test ${made.name}`,
  );
}

async function change(name: string, options: RegistryOptions): Promise<void> {
  const client = await signedIn();
  const body = await termsOf(options, options.username !== undefined && options.anonymous === undefined);
  if (Object.keys(body).length === 0) throw misuse("say what shall be different; --help lists what can be");
  const changed = await client.call(ChangeConnection, { params: { connection: name }, body });
  if (options.json) printJson(changed);
  else print(`Registry ${changed.name} (${addressOf(changed)}) is changed.`);
}

async function termsOf(options: RegistryOptions, asks: boolean): Promise<ConnectionChange> {
  const password = await readPassword({
    fromStandardInput: options.passwordStdin ?? false,
    variable: "HEADGATE_REGISTRY_PASSWORD",
    question: asks ? `Password of ${options.username} at the registry: ` : null,
  });
  const terms: ConnectionChange = {
    host: options.host,
    namespace: options.namespace,
    // Checked by the server, which says which ones there are.
    provider: options.provider as ConnectionChange["provider"],
    region: options.region,
    username: options.anonymous ? null : options.username,
    password: options.anonymous ? null : (password ?? undefined),
    plainHttp: options.plainHttp,
    allowPrivate: options.allowPrivate,
    caPem: options.caFile === undefined ? undefined : await readFile(options.caFile, "utf8"),
    isDefault: options.default,
    allProjects: options.allProjects,
    projects: options.project,
  };
  return Object.fromEntries(Object.entries(terms).filter(([, value]) => value !== undefined));
}

const addressOf = ({ host, namespace }: Connection): string =>
  namespace === "" ? host : `${host}/${namespace}`;

async function listAll(options: JsonOption & LimitOption): Promise<void> {
  const client = await signedIn();
  const all = await firstItems(options.limit, (query) => client.call(ListConnections, { query }));
  const items = all.filter(({ kind }) => kind === "registry");
  if (options.json) return printJson(items);
  printTable(
    ["NAME", "ADDRESS", "SIGNS IN AS", "SHARED WITH"],
    items.map((item) => [item.name, addressOf(item), item.username ?? "(anonymous)", sharedWith(item)]),
  );
}

async function show(name: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  const found = await client.call(GetConnection, { params: { connection: name } });
  if (options.json) return printJson(found);
  printFields([
    ["name", found.name],
    ["id", found.id],
    ["address", `${found.plainHttp ? "http" : "https"}://${addressOf(found)}`],
    ["provider", found.provider],
    ["region", found.region],
    ["signs in as", found.username ?? "(anonymous)"],
    ["token hosts", found.tokenHosts.join(", ")],
    ["private address", found.allowPrivate ? "allowed" : "refused"],
    ["shared with", sharedWith(found)],
    ["default", found.isDefault ? "yes" : ""],
    ["changed", shortTime(found.updatedAt)],
  ]);
}

async function remove(name: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  await client.call(DeleteConnection, { params: { connection: name } });
  if (options.json) printJson({ removed: name });
  else print(`Registry ${name} is removed.`);
}
