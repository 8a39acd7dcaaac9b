import type { DeploymentLine, DeploymentReply } from "../api/contract/deployments.ts";
import { harmless, print, timeText } from "./output.ts";

/** What a deployment does, in short: `1.2.3 → 1.2.2 (rollback)`. */
export const movesText = ({ fromVersion, version, kind }: DeploymentLine): string =>
  `${fromVersion === null || fromVersion === version ? "" : `${fromVersion} → `}${version}${kind === "rollback" ? " (rollback)" : ""}`;

/** How it is, and why it waits: `pending: behind 1`. */
export const stateText = ({ status, waitsFor }: Pick<DeploymentLine, "status" | "waitsFor">): string =>
  status === "pending" && waitsFor !== "" ? `pending, waits: ${waitsFor}` : status;

/** How long it took from its start to its end; empty while either is unknown. */
export function tookText({ startedAt, endedAt }: Pick<DeploymentLine, "startedAt" | "endedAt">): string {
  if (startedAt === null || endedAt === null) return "";
  return timeText((endedAt.getTime() - startedAt.getTime()) / 1000);
}

type Run = DeploymentReply["runs"][number];

/** An attempt to carry something out: `github deploy.yml, run 17 https://…: started`. */
export const runText = ({ provider, target, providerRun, url, state, message }: Run): string =>
  [
    `${provider} ${target}`,
    ...(provider === "github" && providerRun !== null ? [`run ${providerRun}`] : []),
    ...(url === null ? [] : [url]),
    state,
    ...(message === "" ? [] : [message]),
  ].join(", ");

/** Tells only what is new since the last time: every status once, what a waiting one waits for, and each attempt. */
export function deploymentTeller(say: (line: string) => void = print) {
  let toldEntries = 0;
  let toldWait = "";
  const toldRuns = new Set<string>();
  return (now: DeploymentReply): void => {
    for (const { id, provider, target, url } of now.runs) {
      const words = `carried out by ${provider} ${target}${url === null ? "" : `: ${url}`}`;
      if (!toldRuns.has(`${id} ${url}`)) say(harmless(words));
      toldRuns.add(`${id} ${url}`);
    }
    for (const { status, message } of now.history.slice(toldEntries))
      say(harmless(message === "" ? status : `${status}: ${message}`));
    toldEntries = now.history.length;
    const waits = now.status === "pending" ? now.waitsFor : "";
    if (waits !== toldWait && waits !== "") say(harmless(`waits: ${waits}`));
    toldWait = waits;
    const took = tookText(now);
    if (now.status === "success")
      say(harmless(`${now.version} runs in ${now.project}/${now.environment}${took && `, after ${took}`}`));
  };
}
