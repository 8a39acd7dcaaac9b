import { Command } from "commander";
import { EXIT } from "./cli/failure.ts";
import { addServerCommands } from "./server-commands.ts";

/** The whole command line: the commands that run the server, and those that speak to one. */
export async function runProgram(): Promise<void> {
  const program = new Command("headgate")
    .description("Release management: know, and decide, what runs where.")
    .showHelpAfterError("(headgate --help shows every command)");
  program.enablePositionalOptions();
  program.exitOverride((error) => {
    process.exit(error.exitCode === 0 ? EXIT.done : EXIT.usage);
  });
  addServerCommands(program);
  // A server needs none of them, and starts faster without.
  if (!program.commands.some((command) => command.name() === process.argv[2])) {
    const { addClientCommands } = await import("./cli/client-commands.ts");
    addClientCommands(program);
  }
  await program.parseAsync();
}
