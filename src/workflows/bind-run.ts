import { maySeeReports } from "../access/authorize.ts";
import { type Context, inTransaction } from "../context.ts";
import { findDeployment } from "../deployments/deployment-store.ts";
import { DomainError } from "../kernel/errors.ts";
import { findCandidateByCutId } from "../releases/release-candidate-store.ts";
import { wakeRun } from "./wake-run.ts";
import { changeRun, type RunEntry, runsOf } from "./workflow-run-store.ts";
import { isOver } from "./workflow-run.ts";

/** What a run says of itself: which of the provider's runs it is, and what it was started for. */
export type BindRun = { readonly providerRun: string } & (
  | { readonly deploymentNumber: number }
  | { readonly cutId: number }
);

/**
 * Notes which run a deployment or a build has, as the run itself says; it is believed once it was read. A run that is known
 * already stays, and so the same word twice changes nothing. Needs a releaser or a token to report in the project; whoever
 * is neither learns nothing. Throws DEPLOYMENT_NOT_FOUND, RELEASE_NOT_FOUND.
 */
export function bindRun(ctx: Context, input: BindRun): Promise<void> {
  return inTransaction(ctx, async (tx) => {
    const served = await findServed(tx, input);
    if (!served || !maySeeReports(tx, served.projectId))
      throw "cutId" in input ? new DomainError("RELEASE_NOT_FOUND") : new DomainError("DEPLOYMENT_NOT_FOUND");
    const newest = (await runsOf(tx.db, served)).at(-1);
    if (newest && !isOver(newest.state)) await bind(tx, newest, input.providerRun);
  });
}

interface Served {
  readonly projectId: string;
  readonly deploymentNumber: number | null;
  readonly candidateId: string | null;
}

async function findServed(tx: Context, input: BindRun): Promise<Served | null> {
  if ("cutId" in input) {
    const candidate = await findCandidateByCutId(tx.db, input.cutId);
    return candidate && { projectId: candidate.projectId, deploymentNumber: null, candidateId: candidate.id };
  }
  const deployment = await findDeployment(tx.db, input.deploymentNumber);
  return (
    deployment && {
      projectId: deployment.projectId,
      deploymentNumber: deployment.number,
      candidateId: null,
    }
  );
}

async function bind(tx: Context, run: RunEntry, providerRun: string): Promise<void> {
  if (run.provider === "github" && run.providerRun === null)
    await changeRun(tx.db, run.id, ["sent", "accepted", "unclear", "lost"], {
      providerRun,
      provisional: true,
    });
  await changeRun(tx.db, run.id, [run.state], { seenAt: tx.now() });
  await wakeRun(tx, run);
}
