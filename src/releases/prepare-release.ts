import { requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { startDistribution } from "../distributions/start-distribution.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { ensureServices } from "../projects/ensure-services.ts";
import { getProject } from "../projects/get-project.ts";
import { lockProject } from "../projects/project-store.ts";
import type { Project } from "../projects/project.ts";
import { isUniqueViolation } from "../storage/unique-violation.ts";
import { findTargetConnection } from "./find-target-connection.ts";
import { Version } from "./release.ts";
import type { FullContent, ReleaseSource } from "./release-content.ts";
import { findContentByVersion, insertContent } from "./release-content-store.ts";
import { ensureRelease } from "./release-store.ts";
import { readCandidateVersion } from "./release-candidate.ts";
import { findCandidate } from "./release-candidate-store.ts";
import type { ReleaseView } from "./release-view.ts";
import { resolveServices, type ServiceRequest } from "./resolve-services.ts";
import { loadOriginal, requestsOf } from "./take-from-release.ts";

export interface CreateRelease {
  readonly projectKey: string;
  readonly version: string;
  readonly source: ReleaseSource;
  /** The version that images are taken from, by pin; null: everything is as supplied. */
  readonly originalVersion: string | null;
  readonly environmentName: string;
  readonly production: boolean;
  readonly description: string;
  readonly labels: readonly string[];
  /** Where images are pushed, by id or name; null when none is. */
  readonly targetConnectionId: string | null;
  /** Copy what is attached to the images with them; null: as the project has it. */
  readonly withReferrers: boolean | null;
  /** The name that the record shows. */
  readonly createdBy: string;
  /** With an original and none named: all that the original has. */
  readonly services: readonly ServiceRequest[];
}

/**
 * Checks what a release is to hold, and returns what records it and asks for its copy; both are durable when that
 * returns, nothing is copied yet. In two parts, for a transaction may live 5 s and reading much YAML takes its time.
 * Needs a releaser. Throws PROJECT_NOT_FOUND, FORBIDDEN, INPUT_INVALID, NOT_IMPLEMENTED, RELEASE_EXISTS,
 * RELEASE_NOT_FOUND (the original), CONNECTION_NOT_FOUND, CONNECTION_NOT_SHARED.
 */
export async function prepareRelease(
  ctx: Context,
  input: CreateRelease,
): Promise<(ctx: Context) => Promise<ReleaseView>> {
  const project = await getProject(ctx, input.projectKey);
  requireRole(ctx, project.id, "releaser");
  parseInput(Version, input.version);
  if (input.source === "environment") throw noEnvironments(input.environmentName);
  if (await findContentByVersion(ctx.db, project.id, input.version)) throw alreadyExists(input.version);
  const gathered = await gather(ctx, project, input);
  return (recording) => record(recording, project, input, gathered);
}

async function record(
  ctx: Context,
  project: Project,
  input: CreateRelease,
  gathered: Gathered,
): Promise<ReleaseView> {
  try {
    return await inTransaction(ctx, (tx) => insertRelease(tx, project, input, gathered));
  } catch (error) {
    if (isUniqueViolation(error, "release_contents")) throw alreadyExists(input.version);
    throw error;
  }
}

const noEnvironments = (name: string): DomainError =>
  name === ""
    ? new DomainError("INPUT_INVALID", "env name is required when source is from env")
    : new DomainError(
        "NOT_IMPLEMENTED",
        "A version cannot be made from an environment yet: this server knows no clusters. Use manual or from_version.",
      );

const alreadyExists = (version: string): DomainError =>
  new DomainError("RELEASE_EXISTS", `The project has a release ${version} already`, { version });

/** A version that reads like a candidate's may be one: then it names that. */
async function refuseCandidatesName(tx: Context, project: Project, version: string): Promise<void> {
  if (!readCandidateVersion(version)) return;
  await lockProject(tx.db, project.id);
  if (await findCandidate(tx.db, project.id, version)) throw alreadyExists(version);
}

async function insertRelease(
  tx: Context,
  project: Project,
  input: CreateRelease,
  { manifests, items, originalContentId, targetConnectionId }: Gathered,
): Promise<ReleaseView> {
  if (await findContentByVersion(tx.db, project.id, input.version)) throw alreadyExists(input.version);
  await refuseCandidatesName(tx, project, input.version);
  const now = tx.now();
  const content: FullContent = {
    id: newId(now),
    releaseId: await ensureRelease(tx.db, project.id, input.version, now),
    projectId: project.id,
    version: input.version,
    packaging: "manifests",
    source: input.source,
    environmentName: input.environmentName,
    production: input.production,
    originalContentId,
    description: input.description,
    labels: [...input.labels],
    targetConnectionId,
    withReferrers: input.withReferrers ?? project.withReferrers,
    createdBy: input.createdBy,
    createdAt: now,
    manifests,
    items,
  };
  await ensureServices(
    tx,
    project.id,
    manifests.map((manifest) => manifest.serviceName),
  );
  await insertContent(tx.db, content);
  await recordEvent(tx, {
    kind: "release.created",
    projectId: project.id,
    subjectId: content.id,
    after: content,
  });
  return {
    projectKey: project.key,
    content,
    distribution: await startDistribution(tx, content),
    movingBytes: 0,
    referrers: new Map(),
  };
}

/** What a release will hold, checked against the project's connections and, if there is one, the original. */
type Gathered = Pick<FullContent, "manifests" | "items" | "originalContentId" | "targetConnectionId">;

async function gather(ctx: Context, project: Project, input: CreateRelease): Promise<Gathered> {
  const targetConnection = await findTargetConnection(ctx, project, input.targetConnectionId);
  const original =
    input.originalVersion === null ? null : await loadOriginal(ctx, project.id, input.originalVersion);
  const services =
    original && input.services.length === 0
      ? requestsOf(original, targetConnection !== null)
      : input.services;
  const resolved = await resolveServices(ctx, {
    project,
    targetConnection,
    original,
    rewriteYaml: input.source !== "manual",
    services,
  });
  return {
    ...resolved,
    originalContentId: original?.content.id ?? null,
    targetConnectionId: targetConnection?.id ?? null,
  };
}
