import type { RunReading, RunState } from "../ci-provider.ts";
import { inspectRun, type RunFacts } from "./inspect-run.ts";
import { lastLines, readRunLog } from "./read-run-log.ts";
import type { RunEnd } from "./run-records.ts";

const TEXT_LIMIT = 500;

interface Verdict {
  readonly state: RunState;
  readonly text: string;
}

/** How a run is, for a request of this id and program; null: there is no such run on this server. */
export async function readRun(
  folder: string,
  request: { readonly id: string; readonly workflow: string },
): Promise<RunReading | null> {
  const facts = await inspectRun(folder);
  if (!facts) return null;
  const { state, text } = verdictOn(facts);
  const log = state === "failure" ? await readRunLog(folder, TEXT_LIMIT * 2) : null;
  return {
    state,
    attempt: 1,
    url: null,
    text: log === null ? text : `${text}: ${lastLines(log, TEXT_LIMIT)}`.replace(/: $/, ""),
    isOurs: facts.claim?.id === request.id && facts.claim.program === request.workflow,
    showsId: true,
    startedAt: facts.claim && new Date(facts.claim.claimedAt),
    endedAt: facts.end && new Date(facts.end.endedAt),
  };
}

/** The end that is written down counts; without one what still runs; without that nobody can tell. */
function verdictOn(facts: RunFacts): Verdict {
  if (facts.end) return verdictOnEnd(facts.end);
  switch (facts.life) {
    case "watched":
      return { state: "running", text: "" };
    case "adopted":
      return {
        state: "running",
        text: "What watched the program is gone; the program runs, and its exit code will not be known",
      };
    case "gone":
      return verdictOnLost(facts);
  }
}

function verdictOnLost({ program, cancelAsked }: RunFacts): Verdict {
  if (program && cancelAsked)
    return { state: "canceled", text: "It was canceled; its exit code is not known" };
  const what = program
    ? "The program began, and how it ended is not known"
    : "Whether the program began is not known";
  return {
    state: "error",
    text: `${what}: it and what watched it are gone. It is not run again by itself: look at what it left behind`,
  };
}

function verdictOnEnd({ code, signal, notStarted, canceled, timedOut }: RunEnd): Verdict {
  const how = signal === null ? `exit code ${code}` : `ended by ${signal}`;
  if (notStarted !== null)
    return { state: canceled ? "canceled" : "error", text: `The program was not started: ${notStarted}` };
  if (canceled && code !== 0) return { state: "canceled", text: `canceled, ${how}` };
  if (timedOut) return { state: "failure", text: `over its time limit, ${how}` };
  return code === 0 ? { state: "success", text: "" } : { state: "failure", text: how };
}
