import { hostname } from "node:os";
import type { Command } from "commander";
import { createClient } from "../../api/client.ts";
import { SignIn, WhoAmI } from "../../api/contract/sign-in.ts";
import { RevokeToken } from "../../api/contract/tokens.ts";
import { define, run } from "../define.ts";
import { CommandFailure, EXIT } from "../failure.ts";
import type { JsonOption } from "../options.ts";
import { print, printFields, printJson } from "../output.ts";
import { profilePath, readProfile, removeProfile, writeProfile } from "../profile.ts";
import { ask, readPassword } from "../prompt.ts";
import { openSession, signedIn } from "../session.ts";

interface LoginOptions {
  readonly user?: string;
  readonly passwordStdin?: true;
  readonly json?: true;
}

/** `headgate login`, `logout` and `whoami`. */
export function addSignInCommands(program: Command): void {
  define(program, "login", {
    summary: "Sign in with name and password, and keep a token for later commands",
    examples: [
      "headgate login",
      "HEADGATE_URL=https://headgate.example headgate login --user ana --password-stdin < password.txt",
    ],
    more: `The server is HEADGATE_URL. The token is kept in ${profilePath()}, which only you can read.`,
  })
    .option("--user <name>", "who signs in; asked for when left out")
    .option(
      "--password-stdin",
      "read the password from standard input; else HEADGATE_PASSWORD, else it is asked for",
    )
    .action(run(login));
  define(program, "logout", {
    summary: "End the token that login keeps, and forget it",
    examples: ["headgate logout"],
  }).action(run(logout));
  define(program, "whoami", {
    summary: "Show who you are to the server, and what you may do",
    examples: ["headgate whoami", "HEADGATE_TOKEN=hg_… headgate whoami --json"],
  }).action(run(whoami));
}

async function login(options: LoginOptions): Promise<void> {
  const { url } = await openSession();
  const name = options.user ?? (await ask("Name: ", "say who signs in: --user <name>"));
  const password = await readPassword({
    fromStandardInput: options.passwordStdin ?? false,
    variable: "HEADGATE_PASSWORD",
    question: "Password: ",
  });
  const client = createClient({ url, token: null });
  const body = { name, password: password ?? "", client: `headgate on ${hostname()}`.slice(0, 128) };
  const { token, text } = await client.call(SignIn, { body });
  if (text === null) throw new CommandFailure(EXIT.failed, "the server sent no token");
  await writeProfile({ url, token: text });
  if (options.json) return printJson({ url, token });
  print(
    `Signed in to ${url} as ${token.userName}, until ${token.expiresAt?.toISOString().slice(0, 10) ?? "you log out"}.`,
  );
}

async function logout(options: JsonOption): Promise<void> {
  const profile = await readProfile();
  if (profile) {
    const client = createClient(profile);
    try {
      const { tokenId } = await client.call(WhoAmI, {});
      if (tokenId !== null) await client.call(RevokeToken, { params: { token: tokenId } });
    } finally {
      // Forgotten here in any case: a server that is gone must not keep anybody signed in.
      await removeProfile();
    }
  }
  if (options.json) printJson({ signedOut: profile !== null });
  else print(profile ? `Signed out of ${profile.url}.` : "Nobody was signed in.");
}

async function whoami(options: JsonOption): Promise<void> {
  const client = await signedIn();
  const me = await client.call(WhoAmI, {});
  if (options.json) return printJson(me);
  printFields([
    ["name", me.name],
    ["server", (await openSession()).url],
    [
      "rights",
      me.systemAdmin
        ? "system admin"
        : me.roles.map(({ project, role }) => `${project}: ${role}`).join(", ") || "none",
    ],
  ]);
}
