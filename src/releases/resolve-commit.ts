import { findConnection } from "../connections/connection-store.ts";
import { isSharedWith } from "../connections/connection.ts";
import { sourceTargetOf } from "../connections/outside-target.ts";
import type { SourceTarget } from "../connectors/source-hosts/source-host.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import type { Project } from "../projects/project.ts";

/** Fewer digits name too many commits. */
const COMMIT_TEXT = /^(?:[0-9a-fA-F]{7,40}|[0-9a-fA-F]{64})$/;

/**
 * The full hash of a commit in the project's repository. Throws SOURCE_NOT_FOUND, COMMIT_INVALID, and ExternalSystemError when
 * the repository does not answer.
 */
export async function resolveCommit(
  ctx: Context,
  project: Project,
  asked: { readonly repository: string | null; readonly commit: string },
): Promise<string> {
  const { repository } = project;
  if (repository === null || !isSame(asked.repository, repository))
    throw new DomainError("SOURCE_NOT_FOUND", wrongRepository(project, asked.repository));
  if (!COMMIT_TEXT.test(asked.commit))
    throw new DomainError("COMMIT_INVALID", `${asked.commit} is no hash of a commit: 7 to 40 hex digits`);
  const target = await sourceTarget(ctx, project, repository);
  const found = await ctx.connectors.sourceHosts.resolveCommit(target, asked.commit.toLowerCase());
  switch (found.kind) {
    case "commit":
      return found.sha;
    case "invalid":
      throw new DomainError("COMMIT_INVALID", found.text);
    case "no_repository":
      throw new DomainError("SOURCE_NOT_FOUND", found.text);
  }
}

/** Git hosts do not tell letters apart by their case. */
const isSame = (asked: string | null, own: string): boolean =>
  asked === null || asked.toLowerCase() === own.toLowerCase();

const wrongRepository = ({ key, repository }: Project, asked: string | null): string =>
  repository === null
    ? `The project ${key} has no repository: headgate project change ${key} --repository org/name`
    : `The repository of ${key} is ${repository}, not ${asked ?? ""}`;

async function sourceTarget(ctx: Context, project: Project, repository: string): Promise<SourceTarget> {
  const connection =
    project.sourceConnectionId === null ? null : await findConnection(ctx.db, project.sourceConnectionId);
  if (!connection || connection.kind === "registry" || !isSharedWith(connection, project.id))
    throw new DomainError(
      "SOURCE_NOT_FOUND",
      `The project ${project.key} has no connection to its repository`,
    );
  return await sourceTargetOf(ctx, connection, repository);
}
