import { maySee, requireRole } from "../access/authorize.ts";
import type { Role } from "../access/role.ts";
import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import type { Project } from "../projects/project.ts";
import { findProject } from "../projects/project-store.ts";
import { projectKeyOf, type Repository, RepositoryName } from "./repository.ts";
import { findRepository, insertRepository } from "./repository-store.ts";

const unknown = (name: string): DomainError =>
  new DomainError("REPOSITORY_NOT_FOUND", `There is no repository ${name}, or you may not see it`);

/** The project of a repository of this name. One that the actor may not see is as unknown as one that is not. */
async function projectOf(ctx: Context, name: string, needed: Role): Promise<Project> {
  const parsed = RepositoryName.safeParse(name);
  if (!parsed.success)
    throw new DomainError(
      "REPOSITORY_NAME_INVALID",
      `The repository name ${parsed.error.issues[0]?.message ?? "is not valid"}`,
    );
  const project = await findProject(ctx.db, projectKeyOf(name));
  if (!project || !maySee(ctx, project.id)) throw unknown(name);
  requireRole(ctx, project.id, needed);
  return project;
}

/**
 * The repository of this name, for an actor with this role in its project.
 * Throws REPOSITORY_NAME_INVALID, REPOSITORY_NOT_FOUND, FORBIDDEN.
 */
export async function openRepository(ctx: Context, name: string, needed: Role): Promise<Repository> {
  await projectOf(ctx, name, needed);
  const repository = await findRepository(ctx.db, name);
  if (!repository) throw unknown(name);
  return repository;
}

/**
 * The repository of this name, for an actor who may push; it comes into being in this transaction.
 * Throws REPOSITORY_NAME_INVALID, REPOSITORY_NOT_FOUND (no such project), FORBIDDEN.
 */
export async function openRepositoryToPush(tx: Context, name: string): Promise<Repository> {
  const project = await projectOf(tx, name, "releaser");
  const found = await findRepository(tx.db, name);
  if (found) return found;
  const now = tx.now();
  const repository: Repository = { id: newId(now), projectId: project.id, name, createdAt: now };
  if (!(await insertRepository(tx.db, repository))) return openRepository(tx, name, "releaser");
  await recordEvent(tx, {
    kind: "repository.created",
    projectId: project.id,
    subjectId: repository.id,
    after: repository,
  });
  return repository;
}

/** Throws what pushing to this repository would throw, before anything is read or written for it. */
export async function requirePush(ctx: Context, name: string): Promise<void> {
  await projectOf(ctx, name, "releaser");
}
