import type { CiProvider } from "../connectors/ci-providers/ci-provider.ts";
import { findItsRun } from "./find-its-run.ts";
import { followRun } from "./follow-run.ts";
import { type RunLook } from "./run-look.ts";
import { sendRun } from "./send-run.ts";
import { changeRun } from "./workflow-run-store.ts";

/** Does what an entry of the ledger needs next; says when to look again, null when nothing more will come. */
export async function lookAtRun(look: RunLook, provider: CiProvider): Promise<Date | null> {
  const { run } = look;
  switch (run.state) {
    case "intended":
      return await sendRun(look, provider);
    case "sent":
      return await takeUp(look, provider);
    case "accepted":
    case "unclear":
    case "lost":
      return await findItsRun(look, provider);
    case "started":
      return await followRun(look, provider);
    case "refused":
    case "ended":
      return null;
  }
}

/** The process that sent it died before it wrote the answer down: nobody knows what came of it. */
async function takeUp({ run, now, commit }: RunLook, provider: CiProvider): Promise<Date> {
  const state = provider.startRepeats ? "intended" : "unclear";
  const message = "the server stopped while it was being started";
  await commit((tx) => changeRun(tx.db, run.id, ["sent"], { state, message, looks: run.looks + 1 }));
  return now;
}
