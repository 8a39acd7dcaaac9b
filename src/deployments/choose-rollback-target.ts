import type { Deployment, DeploymentStatus } from "./deployment.ts";

/** Where a rollback goes, and what it leaves. */
export interface RollbackChoice {
  readonly target: Deployment;
  readonly leaves: Deployment;
}

/** Which versions of the past an environment can go back to. */
export interface RollbackRules {
  /** Neither marked bad nor emptied. */
  readonly isUsable: (deployment: Deployment) => boolean;
  /** Null: the rule decides. */
  readonly version: string | null;
}

/**
 * Looks through an environment's deployments, newest first. What never started is passed over, for it changed nothing. If the
 * newest of the others succeeded, the environment goes back to the last success of another version before it; else to the
 * last success, whatever came after that. Null: there is none.
 *
 * Aviator's API document, "Rollback"; the rows that it leaves open are decided in the notes, section 2.6.
 */
export function chooseRollbackTarget(
  newestFirst: readonly Deployment[],
  rules: RollbackRules,
): RollbackChoice | null {
  const leaves = newestFirst.find(hasCounted);
  if (!leaves) return null;
  const isBetter = ({ version }: Deployment): boolean =>
    leaves.status !== "success" || version !== leaves.version;
  const isWanted = ({ version }: Deployment): boolean => rules.version === null || version === rules.version;
  const target = newestFirst.find(
    (one) => one.status === "success" && isBetter(one) && isWanted(one) && rules.isUsable(one),
  );
  return target ? { target, leaves } : null;
}

/** Something may have happened outside, or somebody reported how it ended; what was called off before it began does not count. */
const hasCounted = ({ status, started }: Deployment): boolean => started || ENDS.includes(status);

const ENDS: readonly DeploymentStatus[] = ["success", "failure", "error"];
