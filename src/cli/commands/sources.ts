import { readFile } from "node:fs/promises";
import type { Command } from "commander";
import {
  ChangeConnection,
  CreateConnection,
  DeleteConnection,
  ListConnections,
  TestConnection,
} from "../../api/contract/connections.ts";
import type { ConnectionChange, ConnectionKind } from "../../connections/connection.ts";
import { sharedWith } from "../connection-words.ts";
import { define, group, run } from "../define.ts";
import { CommandFailure, EXIT, misuse } from "../failure.ts";
import { collect, given, givenChange, type JsonOption, limited, type LimitOption } from "../options.ts";
import { harmless, print, printJson, printTable } from "../output.ts";
import { firstItems } from "../pages.ts";
import { readPassword } from "../prompt.ts";
import { signedIn } from "../session.ts";

/** What can be said of a source on the command line; what is left out stays. */
interface SourceOptions extends JsonOption {
  readonly host?: string;
  readonly username?: string;
  readonly anonymous?: true;
  readonly tokenStdin?: true;
  readonly webhookSecretStdin?: true;
  readonly plainHttp?: boolean;
  readonly allowPrivate?: boolean;
  readonly caFile?: string;
  readonly project?: string[];
  readonly allProjects?: boolean;
}

const more = [
  "The password or token comes from HEADGATE_SOURCE_TOKEN, from --token-stdin, or is asked for; the secret of webhooks from",
  "HEADGATE_WEBHOOK_SECRET or from --webhook-secret-stdin; neither from a flag.",
].join("\n");

const describable = (command: Command): Command =>
  command
    .option("--username <name>", "who signs in there; of a GitHub a token is enough")
    .option("--token-stdin", "read the password or token from standard input")
    .option("--webhook-secret-stdin", "of a GitHub: read what it signs its webhooks with from standard input")
    .option("--plain-http", "speak http; otherwise https, always")
    .option("--no-plain-http", "speak https")
    .option("--allow-private", "its address may be private or loopback")
    .option("--no-allow-private", "its address must be public")
    .option("--ca-file <file>", "certificate authorities to trust, PEM")
    .option("--project <key>", "share it with this project; may be repeated", collect)
    .option("--all-projects", "share it with every project, also later ones")
    .option("--no-all-projects", "share it with the named projects only");

/** `headgate source …`: where commits come from. */
export function addSourceCommands(program: Command): void {
  const source = group(program, "source", "Sources: hosts of git repositories, and GitHubs");
  describable(
    define(source, "add <name>", {
      summary: "Make a connection to a host of git repositories, or to a GitHub",
      examples: [
        "headgate source add code --kind git --host git.example --username robot --project shop",
        "headgate source add github --kind github --host github.com --token-stdin --all-projects < token.txt",
      ],
      more,
    }),
  )
    .requiredOption("--kind <kind>", "git or github")
    .requiredOption("--host <host>", "host or host:port; of GitHub itself: github.com")
    .action(run(add));
  describable(
    define(source, "change <source>", {
      summary: "Change a source; what is left out stays",
      examples: ["headgate source change github --webhook-secret-stdin < secret.txt"],
      more,
    }),
  )
    .option("--host <host>", "host or host:port; needs the password or token again")
    .option("--anonymous", "sign in no more: forget username and password")
    .action(run(change));
  limited(define(source, "list", { summary: "List the sources", examples: ["headgate source list"] })).action(
    run(listAll),
  );
  define(source, "test <source>", {
    summary: "Reach a source and sign in there",
    examples: ["headgate source test code --repository acme/shop"],
  })
    .option("--repository <org/name>", "read this repository")
    .action(run(test));
  define(source, "remove <source>", {
    summary: "Delete a source that no project or workflow uses",
    examples: ["headgate source remove code"],
  }).action(run(remove));
}

async function add(
  name: string,
  options: SourceOptions & { readonly kind: string; readonly host: string },
): Promise<void> {
  if (!["git", "github"].includes(options.kind)) throw misuse(`--kind ${options.kind}: it is git or github`);
  const kind = options.kind as ConnectionKind;
  const asks = options.username !== undefined ? `Password or token of ${options.username}: ` : null;
  const terms = await termsOf(options, asks ?? (kind === "github" ? "Token: " : null));
  const client = await signedIn();
  const made = await client.call(CreateConnection, { body: { ...terms, name, kind, host: options.host } });
  if (options.json) printJson(made);
  else
    print(
      harmless(
        `Source ${made.name} (${made.kind} at ${made.host}) is added. Check it with: headgate source test ${made.name}`,
      ),
    );
}

async function change(name: string, options: SourceOptions): Promise<void> {
  const asks = options.username !== undefined ? `Password or token of ${options.username}: ` : null;
  const body = givenChange(await termsOf(options, options.anonymous ? null : asks));
  const client = await signedIn();
  const changed = await client.call(ChangeConnection, { params: { connection: name }, body });
  if (options.json) printJson(changed);
  else print(harmless(`Source ${changed.name} (${changed.kind} at ${changed.host}) is changed.`));
}

async function termsOf(options: SourceOptions, question: string | null): Promise<ConnectionChange> {
  if (options.tokenStdin && options.webhookSecretStdin)
    throw misuse("standard input holds one secret: give the other one through its environment variable");
  const password = await readPassword({
    fromStandardInput: options.tokenStdin ?? false,
    variable: "HEADGATE_SOURCE_TOKEN",
    question,
    flag: "--token-stdin",
  });
  const webhookSecret = await readPassword({
    fromStandardInput: options.webhookSecretStdin ?? false,
    variable: "HEADGATE_WEBHOOK_SECRET",
    question: null,
  });
  return given({
    host: options.host,
    username: options.anonymous ? null : options.username,
    password: options.anonymous ? null : (password ?? undefined),
    webhookSecret: webhookSecret ?? undefined,
    plainHttp: options.plainHttp,
    allowPrivate: options.allowPrivate,
    caPem: options.caFile === undefined ? undefined : await readFile(options.caFile, "utf8"),
    allProjects: options.allProjects,
    projects: options.project,
  });
}

async function listAll(options: JsonOption & LimitOption): Promise<void> {
  const client = await signedIn();
  const all = await firstItems(options.limit, (query) => client.call(ListConnections, { query }));
  const items = all.filter(({ kind }) => kind !== "registry");
  if (options.json) return printJson(items);
  printTable(
    ["NAME", "KIND", "HOST", "SIGNS IN AS", "WEBHOOKS", "SHARED WITH"],
    items.map((item) => [
      item.name,
      item.kind,
      item.host,
      item.username ?? "(anonymous)",
      item.hasWebhookSecret ? "checked" : "refused",
      sharedWith(item),
    ]),
  );
}

async function test(name: string, options: JsonOption & { readonly repository?: string }): Promise<void> {
  const client = await signedIn();
  const body = options.repository === undefined ? {} : { repository: options.repository };
  const result = await client.call(TestConnection, { params: { connection: name }, body });
  const { reachable, authenticated, message } = result.check;
  if (options.json) printJson(result);
  if (!reachable || !authenticated)
    throw new CommandFailure(EXIT.failed, `${reachable ? "sign-in refused" : "not reached"}: ${message}`);
  if (!options.json) print(harmless(`Source ${result.connection.name} works: ${message}`));
}

async function remove(name: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  await client.call(DeleteConnection, { params: { connection: name } });
  if (options.json) printJson({ removed: name });
  else print(harmless(`Source ${name} is removed.`));
}
