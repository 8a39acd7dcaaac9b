import type { Client } from "../api/client.ts";
import { type CandidateReply, GetCandidate } from "../api/contract/candidates.ts";
import { runText } from "./deployment-words.ts";
import { CommandFailure, EXIT } from "./failure.ts";
import { harmless, print, printJson } from "./output.ts";
import { untilEnded } from "./until-ended.ts";

/**
 * Tells line by line how the build of a candidate goes on, until it has ended; as JSON only how it ended. Throws
 * CommandFailure when it did not succeed.
 */
export async function watchBuild(
  client: Client,
  which: { readonly project: string; readonly version: string },
  options: { readonly json?: true },
): Promise<void> {
  const ended = await untilEnded({
    look: () => client.call(GetCandidate, { params: { ...which } }),
    tell: options.json ? () => undefined : teller(),
    hasEnded: ({ buildStatus }) => buildStatus !== "pending" && buildStatus !== "building",
    again: `headgate release candidates --project ${which.project}`,
  });
  if (options.json) printJson(ended);
  const { version, project, buildStatus, buildError } = ended;
  if (buildStatus === "ready") return;
  const reason = buildError === "" ? "" : `: ${harmless(buildError)}`;
  throw new CommandFailure(
    EXIT.failed,
    `the build of ${version} of ${project} ended as ${buildStatus}${reason}`,
  );
}

function teller(): (now: CandidateReply) => void {
  let told = "";
  return ({ buildStatus, runs }) => {
    const run = runs.at(-1);
    const words = harmless(run === undefined ? buildStatus : `${buildStatus}: ${runText(run)}`);
    if (words !== told) print(words);
    told = words;
  };
}
