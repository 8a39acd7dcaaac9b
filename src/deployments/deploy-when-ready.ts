import { SYSTEM } from "../access/actor.ts";
import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { listEnvironments } from "../environments/environment-store.ts";
import type { Environment } from "../environments/environment.ts";
import { DomainError } from "../kernel/errors.ts";
import type { ReleaseCandidate } from "../releases/release-candidate.ts";
import { deploy } from "./create-deployment.ts";
import type { Deployable } from "./deployable.ts";
import { findDeployable } from "./deployable-store.ts";

/** Deploys a candidate that is ready wherever that is to happen by itself, in the caller's transaction. A closed gate passes it over. */
export async function deployWhenReady(tx: Context, candidate: ReleaseCandidate): Promise<void> {
  const own: Context = { ...tx, actor: SYSTEM };
  const environments = (await listEnvironments(tx.db, candidate.projectId)).filter(
    ({ autoDeploy }) => autoDeploy,
  );
  const target =
    environments.length === 0 ? null : await findDeployable(tx.db, candidate.projectId, candidate.version);
  // In one order, as every transaction that locks several of them.
  for (const environment of environments.toSorted((one, other) => (one.id < other.id ? -1 : 1)))
    if (target) await deployOrSkip(own, environment, target);
}

async function deployOrSkip(tx: Context, environment: Environment, target: Deployable): Promise<void> {
  try {
    await deploy(tx, environment.id, target, { origin: "automatic", force: null });
  } catch (error) {
    // Gates are looked at before anything is written.
    if (!(error instanceof DomainError)) throw error;
    await recordEvent(tx, {
      kind: "deployment.skipped",
      projectId: environment.projectId,
      subjectId: environment.id,
      after: { environment: environment.name, version: target.version, reason: error.message },
    });
  }
}
