import type { Command } from "commander";
import { GrantRole, RevokeRole } from "../../api/contract/roles.ts";
import { ChangeUser, CreateUser, ListUsers } from "../../api/contract/users.ts";
import type { Role } from "../../access/role.ts";
import { define, group, run } from "../define.ts";
import { misuse } from "../failure.ts";
import { type JsonOption, limited, type LimitOption } from "../options.ts";
import { print, printJson, printTable, shortTime } from "../output.ts";
import { firstItems } from "../pages.ts";
import { readPassword } from "../prompt.ts";
import { signedIn } from "../session.ts";

interface UserOptions {
  readonly json?: true;
  readonly admin?: boolean;
  readonly askPassword?: true;
  readonly passwordStdin?: true;
  readonly password?: false;
  readonly disable?: true;
  readonly enable?: true;
}

const more =
  "A password comes from HEADGATE_NEW_PASSWORD, --password-stdin or --ask-password; never from a flag.";

const withPassword = (command: Command): Command =>
  command
    .option("--ask-password", "ask for a password on the terminal")
    .option("--password-stdin", "read the password from standard input");

/** `headgate user …`: accounts, and their roles in projects. */
export function addUserCommands(program: Command): void {
  const user = group(program, "user", "Users and their roles");
  withPassword(
    define(user, "create <name>", {
      summary: "Make a user; without a password it works through tokens",
      examples: ["headgate user create ana --ask-password", "headgate user create build-robot"],
      more,
    }).option("--admin", "a system admin, who may do everything"),
  ).action(run(create));
  limited(define(user, "list", { summary: "List all users", examples: ["headgate user list"] })).action(
    run(listAll),
  );
  withPassword(
    define(user, "change <user>", {
      summary: "Change a user's password or rights",
      examples: ["headgate user change ana --ask-password", "headgate user change bo --disable"],
      more,
    })
      .option("--no-password", "take the password away: tokens still work")
      .option("--admin", "make a system admin")
      .option("--no-admin", "a system admin no more")
      .option("--disable", "refuse the user's password and tokens")
      .option("--enable", "accept them again"),
  ).action(run(change));
  define(user, "grant <user>", {
    summary: "Give a user a role in a project, in place of the one held so far",
    examples: ["headgate user grant ana --project shop --role releaser"],
    more: "Roles, each including the ones before: viewer, releaser, approver, admin.",
  })
    .requiredOption("--project <key>", "the project")
    .requiredOption("--role <role>", "viewer, releaser, approver or admin")
    .action(run(grant));
  define(user, "revoke <user>", {
    summary: "Take a user's role in a project away",
    examples: ["headgate user revoke ana --project shop"],
  })
    .requiredOption("--project <key>", "the project")
    .action(run(revoke));
}

/** The new password; undefined leaves it as it is. */
async function newPassword(options: UserOptions, name: string): Promise<string | null | undefined> {
  if (options.password === false) return null;
  const given = await readPassword({
    fromStandardInput: options.passwordStdin ?? false,
    variable: "HEADGATE_NEW_PASSWORD",
    question: options.askPassword ? `New password of ${name}: ` : null,
  });
  return given ?? undefined;
}

async function create(name: string, options: UserOptions): Promise<void> {
  const client = await signedIn();
  const password = (await newPassword(options, name)) ?? null;
  const made = await client.call(CreateUser, {
    body: { name, password, systemAdmin: options.admin ?? false },
  });
  if (options.json) printJson(made);
  else print(`User ${made.name} is made${made.hasPassword ? "" : ", without a password"}.`);
}

async function change(name: string, options: UserOptions): Promise<void> {
  if (options.disable && options.enable) throw misuse("--disable and --enable contradict each other");
  const client = await signedIn();
  const password = await newPassword(options, name);
  const body = {
    ...(password !== undefined && { password }),
    ...(options.admin !== undefined && { systemAdmin: options.admin }),
    ...(options.disable && { disabled: true }),
    ...(options.enable && { disabled: false }),
  };
  if (Object.keys(body).length === 0) throw misuse("say what shall be different; --help lists what can be");
  const changed = await client.call(ChangeUser, { params: { user: name }, body });
  if (options.json) printJson(changed);
  else print(`User ${changed.name} is changed.`);
}

async function listAll(options: JsonOption & LimitOption): Promise<void> {
  const client = await signedIn();
  const items = await firstItems(options.limit, (query) => client.call(ListUsers, { query }));
  if (options.json) return printJson(items);
  printTable(
    ["NAME", "RIGHTS", "PASSWORD", "MADE"],
    items.map((item) => [
      item.name,
      [item.systemAdmin ? "system admin" : "", item.disabled ? "disabled" : ""].filter(Boolean).join(", ") ||
        "by project",
      item.hasPassword ? "yes" : "no",
      shortTime(item.createdAt),
    ]),
  );
}

interface RoleOptions {
  readonly json?: true;
  readonly project: string;
}

async function grant(user: string, options: RoleOptions & { readonly role: string }): Promise<void> {
  const client = await signedIn();
  const params = { project: options.project, user };
  // Checked by the server, which says which roles there are.
  const granted = await client.call(GrantRole, { params, body: { role: options.role as Role } });
  if (options.json) printJson(granted);
  else print(`${granted.userName} is ${granted.role} in ${options.project}.`);
}

async function revoke(user: string, options: RoleOptions): Promise<void> {
  const client = await signedIn();
  await client.call(RevokeRole, { params: { project: options.project, user } });
  if (options.json) printJson({ revoked: user, project: options.project });
  else print(`${user} has no role in ${options.project} any more.`);
}
