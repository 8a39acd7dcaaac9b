import type { Command } from "commander";
import { TestConnection } from "../../api/contract/connections.ts";
import { define, run } from "../define.ts";
import { CommandFailure, EXIT } from "../failure.ts";
import { note, print, printJson } from "../output.ts";
import { confirmed } from "../prompt.ts";
import { signedIn } from "../session.ts";

interface TestOptions {
  readonly json?: true;
  readonly confirmTokenHost?: true;
}

/** `headgate registry test`: reaches the registry and signs in there, as a copy would. */
export const addRegistryTest = (registry: Command): Command =>
  define(registry, "test <registry>", {
    summary: "Reach a registry and sign in there",
    examples: ["headgate registry test prod", "headgate registry test prod --confirm-token-host"],
    more:
      "Some registries have their tokens made by another host. It is given the password only after an admin\n" +
      "confirmed it: here on the terminal, or with --confirm-token-host.",
  })
    .option("--confirm-token-host", "give the credentials to the token host that the registry names")
    .action(run(test));

async function test(name: string, options: TestOptions): Promise<void> {
  const client = await signedIn();
  const params = { connection: name };
  const asked = { confirmTokenHost: options.confirmTokenHost ?? false };
  let result = await client.call(TestConnection, { params, body: asked });
  const { tokenHost } = result.check;
  const open = tokenHost !== null && !result.connection.tokenHosts.includes(tokenHost);
  if (open && !options.json) {
    note(`${result.connection.host} has its tokens made by ${tokenHost}.`);
    if (await confirmed(`May ${tokenHost} be given the user name and password?`))
      result = await client.call(TestConnection, { params, body: { confirmTokenHost: true } });
    else note("It was not confirmed. To do so: --confirm-token-host");
  }
  const { reachable, authenticated, message } = result.check;
  if (options.json) printJson(result);
  if (!reachable || !authenticated)
    throw new CommandFailure(EXIT.failed, `${reachable ? "sign-in refused" : "not reached"}: ${message}`);
  if (!options.json) print(`Registry ${result.connection.name} works: ${message}`);
}
