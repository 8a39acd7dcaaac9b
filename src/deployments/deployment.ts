import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";

/**
 * One attempt to make an environment run a version.
 *
 *   pending      accepted. It waits for its turn or for a gate, or, with `started`, its start is under way.
 *                → in_progress when it runs; → canceled when it is called off before it started.
 *   in_progress  it runs. → success | failure | error, as the run or a report says.
 *   canceling    somebody called it off and the run has not ended yet. → canceled, or as the run ended.
 *   unknown      its run cannot be found. It still holds the environment: the run may come back. → any of the others;
 *                → error when no sign of life came within the environment's time limit.
 *   success, failure, canceled, error   ended: what happened, a workflow that said no, called off, could not be run or
 *                followed. A report may correct one; only a report of a redeployment opens a new attempt.
 * Always: `started` says that something may have happened outside (a start was about to be sent, or it was reported to run); it
 * never becomes false. Every accepted status is in the history. The environment runs the success with the highest number.
 */
export const DeploymentStatus = z.enum([
  "pending",
  "in_progress",
  "success",
  "failure",
  "canceling",
  "canceled",
  "error",
  "unknown",
]);
export type DeploymentStatus = z.output<typeof DeploymentStatus>;

export const ACTIVE: readonly DeploymentStatus[] = ["pending", "in_progress", "canceling", "unknown"];
export const isActive = (status: DeploymentStatus): boolean => ACTIVE.includes(status);

export const DeploymentKind = z.enum(["deploy", "rollback"]);
export type DeploymentKind = z.output<typeof DeploymentKind>;

/** How it came to be: somebody asked for it, somebody reported it, or a rule of the environment began it. */
export const DeploymentOrigin = z.enum(["request", "report", "automatic"]);
export type DeploymentOrigin = z.output<typeof DeploymentOrigin>;

/** The gates that can be closed, in the order in which they are looked at. */
export const GateRule = z.enum([
  "readiness",
  "bad",
  "hold",
  "promotion",
  "freeze",
  "concurrency",
  "permission",
]);
export type GateRule = z.output<typeof GateRule>;

/** A gate that a deployment passes although it is closed: of a freeze, exactly that one. */
export const ForcedGate = z.object({ rule: GateRule, subject: z.string().nullable() });
export type ForcedGate = z.output<typeof ForcedGate>;

export const Deployment = z.object({
  id: Id,
  /** Over all environments; what CI systems and Aviator's clients know it by. */
  number: z.int(),
  projectId: Id,
  environmentId: Id,
  /** Within its environment, from 1 without gaps. */
  environmentNumber: z.int(),
  releaseId: Id,
  /** Null: a release without candidates. */
  candidateId: Id.nullable(),
  contentId: Id.nullable(),
  releaseVersion: z.string(),
  /** The candidate's version; of a release without candidates its own. */
  version: z.string(),
  kind: DeploymentKind,
  origin: DeploymentOrigin,
  /** We start it; otherwise somebody else carries it out and reports: for there was no workflow, or a report began it. */
  ours: z.boolean(),
  status: DeploymentStatus,
  /** A start was about to be sent, or it was reported to run. */
  started: z.boolean(),
  /** Why a pending one has not started, in words; empty: nothing keeps it. */
  waitsFor: z.string(),
  error: z.string().nullable(),
  fromReleaseVersion: z.string().nullable(),
  fromVersion: z.string().nullable(),
  /** Of a rollback: the deployment that it leaves. */
  leavesNumber: z.int().nullable(),
  actorName: z.string(),
  /** Null: no user, such as the program itself. */
  actorUserId: z.string().nullable(),
  forced: z.array(ForcedGate),
  forceReason: z.string().nullable(),
  requestedAt: Instant,
  startedAt: Instant.nullable(),
  endedAt: Instant.nullable(),
});
export type Deployment = z.output<typeof Deployment>;

/** It waits for its turn: nothing has happened outside. */
export const isQueued = (deployment: Pick<Deployment, "status" | "started" | "ours">): boolean =>
  deployment.ours && deployment.status === "pending" && !deployment.started;

/** It may be at work outside, so nothing else may start in its environment. */
export const holdsEnvironment = (deployment: Pick<Deployment, "status" | "started">): boolean =>
  isActive(deployment.status) && (deployment.started || deployment.status === "unknown");

/** Who said so: the program itself, a client's report, or the run. */
export const StatusSource = z.enum(["headgate", "report", "run"]);
export type StatusSource = z.output<typeof StatusSource>;

/** One accepted status, as the history keeps it. */
export const DeploymentStatusEntry = z.object({
  status: DeploymentStatus,
  source: StatusSource,
  actorName: z.string(),
  message: z.string(),
  at: Instant,
});
export type DeploymentStatusEntry = z.output<typeof DeploymentStatusEntry>;
