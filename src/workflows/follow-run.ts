import type { CiProvider, RunReading } from "../connectors/ci-providers/ci-provider.ts";
import { ExternalSystemError } from "../kernel/errors.ts";
import { endRun } from "./end-run.ts";
import { isSilent, later, type RunLook } from "./run-look.ts";
import { tellLost, tellState } from "./run-purpose.ts";
import { changeRun } from "./workflow-run-store.ts";
import { noteShownId } from "./workflow-store.ts";

/** How long a run that was called off has to end, before it is made to, and again before that is taken as done. */
const CANCEL_MILLIS = 60_000;

/** Reads the run, tells what it serves how it is, and asks it to end when it was called off. */
export async function followRun(look: RunLook, provider: CiProvider): Promise<Date | null> {
  const { run, commit } = look;
  const reading = await read(look, provider);
  if (reading === "away" || reading === null) return await unseen(look, provider, reading);
  if (isEnd(reading)) {
    await commit(async (tx) => {
      await endRun(tx, run, reading.state, reading.text);
      const { attempt, url } = reading;
      await changeRun(tx.db, run.id, ["ended"], { providerAttempt: attempt, url });
      if (reading.showsId) await noteShownId(tx.db, run.workflowId);
    });
    return null;
  }
  await commit(async (tx) => {
    const { attempt, url, text } = reading;
    const seen = { providerAttempt: attempt, url, message: text, seenAt: tx.now(), looks: run.looks + 1 };
    // Told first: what it serves is locked before the entry.
    await tellState(tx, run, reading.state, text);
    await changeRun(tx.db, run.id, ["started"], seen);
    if (reading.showsId) await noteShownId(tx.db, run.workflowId);
  });
  return run.cancelAskedAt ? await pressToEnd(look, provider, run.cancelAskedAt) : later(look, pace(look));
}

type Ended = RunReading & { readonly state: Exclude<RunReading["state"], "queued" | "running"> };
const isEnd = (reading: RunReading): reading is Ended =>
  reading.state !== "queued" && reading.state !== "running";

async function read(look: RunLook, provider: CiProvider): Promise<RunReading | null | "away"> {
  try {
    return await provider.read(look.run.providerRun ?? "", look.request, look.signal);
  } catch (error) {
    if (error instanceof ExternalSystemError) return "away";
    throw error;
  }
}

/**
 * The provider does not answer, and the run goes on without us for a while; or it was there and is not any more, and may come
 * back until the time limit is over. What was called off is not waited for so long.
 */
async function unseen(look: RunLook, provider: CiProvider, reading: "away" | null): Promise<Date | null> {
  const { run, commit } = look;
  if (isSilent(look)) {
    await commit((tx) => endRun(tx, run, "error", silence(look)));
    return null;
  }
  if (run.cancelAskedAt) return await pressToEnd(look, provider, run.cancelAskedAt);
  if (reading === "away") return later(look, Math.max(pace(look), 5_000));
  await commit((tx) => tellLost(tx, run, "the provider knows its run no more"));
  return later(look, 30_000);
}

const silence = ({ timeLimitMillis }: RunLook): string =>
  `no sign of life for ${Math.round(timeLimitMillis / 60_000)} minutes; start it again`;

/** Asks politely, then by force, then takes it as ended and says so. */
async function pressToEnd(look: RunLook, provider: CiProvider, askedAt: Date): Promise<Date | null> {
  const { run, now, commit } = look;
  const force = now.getTime() - (run.cancelSentAt ?? askedAt).getTime() >= CANCEL_MILLIS;
  if (run.forceSentAt && now.getTime() - run.forceSentAt.getTime() >= CANCEL_MILLIS) {
    const message = "called off; the provider did not confirm that it ended";
    await commit((tx) => endRun(tx, run, "canceled", message));
    return null;
  }
  const isSent = force ? run.forceSentAt !== null : run.cancelSentAt !== null;
  if (!isSent && (await askToEnd(look, provider, force)))
    await commit((tx) =>
      changeRun(tx.db, run.id, ["started"], force ? { forceSentAt: now } : { cancelSentAt: now }),
    );
  return later(look, 1_000);
}

/** False: the provider could not be asked. One that never can be is taken as ended after the same time. */
async function askToEnd(look: RunLook, provider: CiProvider, force: boolean): Promise<boolean> {
  try {
    await provider.cancel(look.run.providerRun ?? "", look.request, { force }, look.signal);
    return true;
  } catch (error) {
    if (!(error instanceof ExternalSystemError)) throw error;
    const askedAt = look.run.cancelAskedAt ?? look.now;
    return look.now.getTime() - askedAt.getTime() >= CANCEL_MILLIS;
  }
}

/** Often at first, then ever more rarely; webhooks and reports wake it in between. */
function pace({ run, now }: RunLook): number {
  const age = now.getTime() - (run.startedAt ?? run.intendedAt).getTime();
  const isOurs = run.provider === "command";
  if (age < 30_000) return isOurs ? 500 : 2_000;
  if (age < 300_000) return isOurs ? 2_000 : 5_000;
  return 15_000;
}
