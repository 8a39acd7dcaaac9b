import type { Context } from "../context.ts";
import type { Environment } from "../environments/environment.ts";
import { cancelWaiting } from "./cancel-waiting.ts";
import { listActive } from "./deployment-store.ts";

/** Where the newest one counts alone: calls off what waits, in the caller's transaction. What is at work goes on, and so do rollbacks. */
export async function makeRoom(tx: Context, environment: Environment, version: string): Promise<void> {
  if (environment.concurrency !== "supersede") return;
  const active = await listActive(tx.db, environment.id);
  const waiting = active.filter(({ kind }) => kind === "deploy");
  await cancelWaiting(tx, environment, waiting, `superseded by ${version}`);
}
