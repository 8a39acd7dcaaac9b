import {
  type CiProvider,
  type StartAnswer,
  StartFailedError,
} from "../connectors/ci-providers/ci-provider.ts";
import { ExternalSystemError } from "../kernel/errors.ts";
import { endLook, endRun } from "./end-run.ts";
import { isSilent, later, type RunLook } from "./run-look.ts";
import { linkRun } from "./link-run.ts";
import { lockServed } from "./run-purpose.ts";
import { changeRun } from "./workflow-run-store.ts";

const FIRST_PAUSE_MILLIS = 1_000;
const LONGEST_PAUSE_MILLIS = 30_000;

/** Sends the request to start, once, after it was written down that it will be. */
export async function sendRun(look: RunLook, provider: CiProvider): Promise<Date | null> {
  const { run, now, commit } = look;
  if (run.cancelAskedAt) return await drop(look, provider);
  if (isSilent(look)) return await endLook(look, "error", `it could not be started in time: ${run.message}`);
  const looks = run.looks + 1;
  const isSent = await commit(async (tx) =>
    (await lockServed(tx, run))
      ? await changeRun(tx.db, run.id, ["intended"], { state: "sent", sentAt: now, looks })
      : null,
  );
  if (isSent === null)
    return await endLook(look, "canceled", "what it was for has ended before it was started");
  if (!isSent) return now;
  try {
    return await answered(look, await provider.start(look.request, look.signal));
  } catch (error) {
    if (!(error instanceof ExternalSystemError)) throw error;
    return await failed(look, error);
  }
}

/** Called off. What was sent before a crash may run although it was to be sent again: then it is looked for, and ended. */
async function drop(look: RunLook, provider: CiProvider): Promise<Date | null> {
  const { run, now, commit } = look;
  if (run.sentAt === null || !provider.startRepeats)
    return await endLook(look, "canceled", "called off before it was started");
  await commit((tx) => changeRun(tx.db, run.id, ["intended"], { state: "unclear", looks: run.looks + 1 }));
  return now;
}

async function answered(look: RunLook, answer: StartAnswer): Promise<Date | null> {
  const { run, now, commit } = look;
  switch (answer.kind) {
    case "started":
      await commit((tx) => linkRun(tx, run, answer));
      return now;
    case "accepted":
      await commit((tx) => changeRun(tx.db, run.id, ["sent"], { state: "accepted", message: "" }));
      return later(look, FIRST_PAUSE_MILLIS);
    case "refused":
      await commit((tx) => endRun(tx, run, "refused", answer.text));
      return null;
  }
}

/** What did not arrive is sent again later; of the rest nobody knows. */
async function failed(look: RunLook, error: ExternalSystemError): Promise<Date> {
  const { run, commit } = look;
  const notSent = error instanceof StartFailedError && error.delivery === "not_sent";
  const state = notSent ? "intended" : "unclear";
  await commit((tx) => changeRun(tx.db, run.id, ["sent"], { state, message: error.message }));
  if (!notSent) return later(look, FIRST_PAUSE_MILLIS);
  const backoff = Math.min(FIRST_PAUSE_MILLIS * 2 ** Math.min(run.looks, 10), LONGEST_PAUSE_MILLIS);
  return later(look, Math.max(backoff, error.retryAfterMillis ?? 0));
}
