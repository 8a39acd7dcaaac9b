import { Command } from "commander";
import { addClientCommands } from "./cli/client-commands.ts";
import { addServerCommands } from "./server-commands.ts";

/** The whole command line: the commands that run the server, and those that speak to one. */
export async function runProgram(): Promise<void> {
  const program = new Command("headgate")
    .description("Release management: know, and decide, what runs where.")
    .showHelpAfterError("(headgate --help shows every command)");
  addServerCommands(program);
  addClientCommands(program);
  await program.parseAsync();
}
