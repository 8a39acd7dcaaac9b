import { createHttpClient } from "../http-client.ts";
import type { Traffic } from "../traffic.ts";
import type { CiProviders } from "./ci-provider.ts";
import type { CommandProvider } from "./command/command-provider.ts";
import { removeOldRuns } from "./command/remove-old-runs.ts";
import { checkGithub } from "./github/check-github.ts";
import { createGithubMemory } from "./github/github-memory.ts";
import { createGithubProvider } from "./github/github-provider.ts";
import { openGithub } from "./github/github-session.ts";
import { readWorkflowRunEvent, verifyWebhook } from "./github/webhook.ts";

/** Opens the way to all CI providers; `command` null: programs of the operator's are switched off. */
export function openCiProviders(options: {
  readonly command: CommandProvider | null;
  readonly traffic?: Traffic | undefined;
}): CiProviders {
  const { command } = options;
  const http = createHttpClient({ traffic: options.traffic });
  const memory = createGithubMemory();
  return {
    command,
    programs: command?.programs ?? [],
    removeOldRuns: async (now) => (command ? await removeOldRuns(command.runsDirectory, now) : 0),
    checkGithub: (target, signal) => checkGithub(openGithub(http, target, memory), target, signal),
    github: (target) => createGithubProvider(http, target, memory),
    readGithubWebhook: ({ secret, rawBody, signature, event }) =>
      verifyWebhook(secret, rawBody, signature) ? readWorkflowRunEvent(event, rawBody) : "forged",
    close: () => http.close(),
  };
}
