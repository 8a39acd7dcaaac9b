import type { Command } from "commander";
import { ExplainGates } from "../../api/contract/deployments.ts";
import { define, run } from "../define.ts";
import { EXIT } from "../failure.ts";
import type { JsonOption } from "../options.ts";
import { printJson } from "../output.ts";
import { printGates } from "../print-gates.ts";
import { signedIn } from "../session.ts";

/** `headgate why`: what keeps a version from going out, and when it can. */
export function addWhyCommand(program: Command): void {
  define(program, "why <project> <environment> <version>", {
    summary: "Say whether you can deploy a version there now, why not, and when you can",
    examples: ["headgate why shop prod 1.2.3-rc1", "headgate why shop prod 1.2.3-rc1 --exit-code"],
    more: "It speaks for whoever asks: a deployment at this moment would be answered the same.",
  })
    .option("--exit-code", "end with 1 when it is closed")
    .action(run(why));
}

async function why(
  project: string,
  environment: string,
  version: string,
  options: JsonOption & { readonly exitCode?: true },
): Promise<void> {
  const client = await signedIn();
  const report = await client.call(ExplainGates, { params: { project, environment }, query: { version } });
  if (options.json) printJson(report);
  else printGates(`${version} to ${project}/${environment}`, report);
  if (options.exitCode && report.state === "closed") process.exitCode = EXIT.failed;
}
