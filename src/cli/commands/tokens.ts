import type { Command } from "commander";
import { CreateToken, ListTokens, RevokeToken } from "../../api/contract/tokens.ts";
import type { ApiToken } from "../../access/api-token.ts";
import { define, group, run } from "../define.ts";
import { misuse } from "../failure.ts";
import { collect, type JsonOption, limited, type LimitOption } from "../options.ts";
import { note, print, printJson, printTable, shortTime } from "../output.ts";
import { firstItems } from "../pages.ts";
import { signedIn } from "../session.ts";

interface CreateOptions {
  readonly json?: true;
  readonly scope: string[];
  readonly expires?: string;
  readonly user?: string;
}

const DAY_MILLIS = 24 * 60 * 60 * 1000;

/** `headgate token …`: credentials for machines. */
export function addTokenCommands(program: Command): void {
  const token = group(program, "token", "Tokens: credentials for machines");
  define(token, "create <name>", {
    summary: "Make a token and print it, this once",
    examples: [
      "headgate token create ci --scope shop:releaser --expires 90d",
      "headgate token create dashboard --scope viewer --user build-robot",
    ],
    more: "Scopes: full (all that its user may), a role in every project, or <project>:<role>. --scope may be repeated.",
  })
    .requiredOption("--scope <scope>", "what it allows at most", collect)
    .option(
      "--expires <when>",
      "after so many days (90d), or at a moment (2027-01-31T00:00:00Z); never when left out",
    )
    .option("--user <name>", "whose it will be; yours when left out")
    .action(run(create));
  limited(
    define(token, "list", {
      summary: "List your tokens; a system admin sees everybody's",
      examples: ["headgate token list", "headgate token list --user build-robot"],
    }).option("--user <name>", "whose"),
  ).action(run(listAll));
  define(token, "revoke <id>", {
    summary: "End a token at once",
    examples: ["headgate token revoke 66287b110b8b8a631910f5ae"],
  }).action(run(revoke));
}

/** `90d`, or a moment. */
function momentOf(text: string): string {
  const days = /^(\d{1,4})d$/.exec(text)?.[1];
  const moment = days === undefined ? new Date(text) : new Date(Date.now() + Number(days) * DAY_MILLIS);
  if (Number.isNaN(moment.getTime()))
    throw misuse(`--expires is "${text}"; it takes days (90d) or a moment (2027-01-31T00:00:00Z)`);
  return moment.toISOString();
}

async function create(name: string, options: CreateOptions): Promise<void> {
  const client = await signedIn();
  const expiresAt = options.expires === undefined ? null : momentOf(options.expires);
  const { user, scope: scopes } = options;
  const made = await client.call(CreateToken, {
    body: { name, scopes, expiresAt, ...(user !== undefined && { user }) },
  });
  if (options.json) return printJson(made);
  note("This token is shown only now:");
  print(made.text ?? "");
}

const stateOf = (token: ApiToken): string => {
  if (token.revokedAt) return "revoked";
  if (token.expiresAt === null) return "for ever";
  return token.expiresAt < new Date() ? "expired" : `until ${shortTime(token.expiresAt)}`;
};

async function listAll(
  options: { readonly json?: true; readonly user?: string } & LimitOption,
): Promise<void> {
  const client = await signedIn();
  const { user } = options;
  const items = await firstItems(options.limit, (page) =>
    client.call(ListTokens, { query: { ...page, ...(user !== undefined && { user }) } }),
  );
  if (options.json) return printJson(items);
  printTable(
    ["ID", "NAME", "USER", "SCOPES", "VALID", "LAST USE"],
    items.map((item) => [
      item.id,
      item.name,
      item.userName,
      item.scopes.join(" "),
      stateOf(item),
      item.lastUsedAt ? shortTime(item.lastUsedAt) : "never",
    ]),
  );
}

async function revoke(id: string, options: JsonOption): Promise<void> {
  const client = await signedIn();
  await client.call(RevokeToken, { params: { token: id } });
  if (options.json) printJson({ revoked: id });
  else print(`Token ${id} is revoked.`);
}
