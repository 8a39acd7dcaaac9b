import type { CiProvider, FoundRun } from "../connectors/ci-providers/ci-provider.ts";
import type { Context } from "../context.ts";
import { ExternalSystemError } from "../kernel/errors.ts";
import { endLook } from "./end-run.ts";
import { linkRun } from "./link-run.ts";
import { isSilent, later, type RunLook } from "./run-look.ts";
import { lockServed, tellLost } from "./run-purpose.ts";
import { claimedRuns } from "./provider-run-store.ts";
import { changeRun, forgetProvisional } from "./workflow-run-store.ts";
import { findWorkflowById } from "./workflow-store.ts";

/** For so long the run is looked for before it counts as lost; and a run called off is waited for. */
const SEARCH_MILLIS = 60_000;
const SEARCH_PAUSE_MILLIS = 2_000;
const LOST_PAUSE_MILLIS = 30_000;

/** Looks for the run of a start whose answer named none. */
export async function findItsRun(look: RunLook, provider: CiProvider): Promise<Date | null> {
  const { run, now, commit } = look;
  await commit((tx) => changeRun(tx.db, run.id, [run.state], { looks: run.looks + 1 }));
  const found = await search(look, provider);
  if (found?.kind === "run") {
    if (await commit((tx) => linkRun(tx, run, found))) return now;
    await commit((tx) => forgetProvisional(tx.db, run.id));
  }
  const searched = now.getTime() - (run.sentAt ?? run.intendedAt).getTime();
  return searched < SEARCH_MILLIS ? later(look, SEARCH_PAUSE_MILLIS) : await giveUp(look, provider, found);
}

/** It was looked for long enough: started again where that is certain to be right, else lost, at last for good. */
async function giveUp(look: RunLook, provider: CiProvider, found: FoundRun | null): Promise<Date | null> {
  const { run, commit } = look;
  if (run.cancelAskedAt) {
    // While the provider cannot be asked, it may run all the same.
    const asked = look.now.getTime() - run.cancelAskedAt.getTime();
    if (found === null && asked < SEARCH_MILLIS) return later(look, SEARCH_PAUSE_MILLIS);
    return await endLook(look, "canceled", "called off; its run was never found");
  }
  // A second start needs proof that the first led to nothing.
  if (run.state !== "accepted" && found?.kind === "none" && (await wouldShow(look, provider)))
    return await sendAgain(look);
  if (isSilent(look)) return await endLook(look, "error", "the workflow run was never found; start it again");
  if (run.state !== "lost") await commit((tx) => lose(tx, look));
  return later(look, LOST_PAUSE_MILLIS);
}

/** Null: the provider cannot be asked at the moment. */
async function search(look: RunLook, provider: CiProvider): Promise<FoundRun | null> {
  const { ctx, run, request, signal, commit } = look;
  try {
    if (run.providerRun !== null) {
      const reading = await provider.read(run.providerRun, request, signal);
      if (reading?.isOurs) return { kind: "run", run: run.providerRun, url: reading.url };
      await commit((tx) => forgetProvisional(tx.db, run.id));
    }
    return provider.canFind ? await provider.find(request, await claimedRuns(ctx.db, run), signal) : null;
  } catch (error) {
    if (error instanceof ExternalSystemError) return null;
    throw error;
  }
}

/** A look that finds none proves that there is none only where runs of this workflow were seen to show our ids. */
async function wouldShow({ ctx, run }: RunLook, provider: CiProvider): Promise<boolean> {
  if (provider.startRepeats) return true;
  return (await findWorkflowById(ctx.db, run.workflowId))?.showsIds ?? false;
}

async function sendAgain({ run, now, commit }: RunLook): Promise<Date> {
  const message = "the first start led to no run; it is started again";
  await commit((tx) => changeRun(tx.db, run.id, ["unclear", "lost"], { state: "intended", message }));
  return now;
}

async function lose(tx: Context, { run }: RunLook): Promise<void> {
  const message = run.message === "" ? "the workflow run was not found" : run.message;
  await lockServed(tx, run);
  if (await changeRun(tx.db, run.id, ["accepted", "unclear"], { state: "lost", message }))
    await tellLost(tx, run, message);
}
