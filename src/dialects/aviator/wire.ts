import * as z from "zod";
import { DeploymentStatus } from "../../deployments/deployment.ts";

/**
 * Request bodies of Aviator's Releases API (seed "API Reference for Releases"; notes, sections 2.2 to 2.7). Unknown fields are
 * ignored. What is marked ours is an extension that Aviator's clients never send.
 */
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const reason = z
  .string()
  .max(1000)
  .nullish()
  .transform((value) => value ?? null);

/** What is no text names nothing, and is refused in its turn: after a project that is not there. */
const named = z.string().catch("");

/** POST …/releases/<version> */
export const CutBody = z.object({ repo: named, commit: named, trigger_build_workflow: flag });

/** POST …/deployments; `force` and `reason` are ours. */
export const DeployBody = z.object({ release_candidate_version: z.string(), force: flag, reason });

/** PATCH …/deployments; `error_message` is ours. */
export const ReportBody = z.object({
  release_candidate_version: z.string(),
  status: DeploymentStatus,
  error_message: z
    .string()
    .max(4096)
    .nullish()
    .transform((value) => value ?? ""),
});

/** POST …/rollback; all but `force` are ours. */
export const RollbackBody = z.object({
  force: flag,
  reason,
  release_candidate_version: z
    .string()
    .nullish()
    .transform((value) => value ?? null),
  skip_rolled_back: flag,
});

/** An id as our own answers write it, or as CI systems hand it back: a number, or its digits. */
export const WireId = z.union([
  z.int(),
  z
    .string()
    .regex(/^\d{1,15}$/)
    .transform(Number),
]);

/** What runs on GitHub say of themselves: which of its runs they are. */
const RunId = z.union([z.int().transform(String), z.string().regex(/^\d{1,20}$/)]);
export const SyncDeployBody = z.object({ deployment_id: WireId, workflow_run_id: RunId });
export const SyncBuildBody = z.object({ release_cut_id: WireId, workflow_run_id: RunId });
