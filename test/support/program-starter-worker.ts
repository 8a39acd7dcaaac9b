import { createCommandProvider } from "../../src/connectors/ci-providers/command/command-provider.ts";
import { loadCommands } from "../../src/connectors/ci-providers/command/commands-file.ts";
import { requestFor } from "./programs.ts";

// A process for a test to kill: starts a run as a server would, says how that went, and stays.
const [commandsFile = "", dataDirectory = "", id = "", program = "", go = ""] = process.argv.slice(2);
const provider = await createCommandProvider({ commands: await loadCommands(commandsFile), dataDirectory });
const answer = await provider.start({ ...requestFor(program, { HEADGATE_GO: go }), id });
process.stdout.write(`${JSON.stringify(answer)}\n`);
setInterval(() => undefined, 60_000);
