import { findConnection } from "../connections/connection-store.ts";
import { isSharedWith } from "../connections/connection.ts";
import { githubTargetOf } from "../connections/outside-target.ts";
import type { CiProvider } from "../connectors/ci-providers/ci-provider.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { WorkflowRun } from "./workflow-run.ts";

/** What carries out an entry of the ledger. Throws UNAVAILABLE, CONNECTION_NOT_FOUND, in words for the entry. */
export async function openProvider(
  ctx: Context,
  run: Pick<WorkflowRun, "projectId" | "state" | "provider" | "connectionId" | "repository">,
): Promise<CiProvider> {
  if (run.provider === "command") {
    const { command } = ctx.connectors.ciProviders;
    if (!command)
      throw new DomainError(
        "UNAVAILABLE",
        "programs are switched off here: HEADGATE_COMMANDS_FILE names none",
      );
    return command;
  }
  const connection = run.connectionId === null ? null : await findConnection(ctx.db, run.connectionId);
  if (connection?.kind !== "github" || run.repository === null)
    throw new DomainError(
      "CONNECTION_NOT_FOUND",
      "the workflow needs a connection to a GitHub and a repository, of its own or of the project",
    );
  // What runs already is followed to its end, so that nothing else starts beside it.
  if (run.state === "intended" && !isSharedWith(connection, run.projectId))
    throw new DomainError(
      "CONNECTION_NOT_FOUND",
      `the connection ${connection.name} is no longer shared with the project`,
    );
  return ctx.connectors.ciProviders.github(await githubTargetOf(ctx, connection));
}
