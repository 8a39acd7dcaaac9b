import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import type { RunOrder, WrapperAnswer } from "./run-order.ts";

// The wrapper lies beside this file, as .ts in a checkout and as .js in the published package.
const wrapperFile = fileURLToPath(new URL(`./run-wrapper${extname(import.meta.url)}`, import.meta.url));

/** A wrapper needs a moment to start; on a machine that has nothing left it may need many. */
const PATIENCE_MILLIS = 30_000;

/**
 * Starts a wrapper, which outlives this process, and waits for its answer. Null: it gave none, for whatever reason, and
 * it will not claim the run later, unless it has already.
 */
export async function startWrapper(
  order: RunOrder,
  isClaimed: () => boolean,
  signal?: AbortSignal,
): Promise<WrapperAnswer | null> {
  const wrapper = spawn(process.execPath, [wrapperFile], {
    // Nothing of the server's own: the program could read its wrapper's environment.
    env: {},
    cwd: "/",
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  const answered = hearAnswer(wrapper, signal);
  wrapper.stdin.on("error", () => undefined).end(JSON.stringify(order));
  const line = await answered;
  if (line === null && wrapper.pid !== undefined && !isClaimed()) await end(wrapper);
  wrapper.stdin.destroy();
  wrapper.stdout.destroy();
  wrapper.unref();
  return line === null ? null : (JSON.parse(line) as WrapperAnswer);
}

function hearAnswer(wrapper: ChildProcess, signal?: AbortSignal): Promise<string | null> {
  const { promise, resolve } = Promise.withResolvers<string | null>();
  let said = "";
  wrapper.stdout?.setEncoding("utf8").on("data", (part: string) => {
    said += part;
    if (said.includes("\n")) resolve(said);
  });
  const giveUp = (): void => resolve(null);
  wrapper.once("error", giveUp).once("close", giveUp);
  const timer = setTimeout(giveUp, PATIENCE_MILLIS);
  signal?.addEventListener("abort", giveUp, { once: true });
  return promise.finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener("abort", giveUp);
  });
}

async function end(wrapper: ChildProcess): Promise<void> {
  if (wrapper.exitCode !== null || wrapper.signalCode !== null) return;
  const ended = once(wrapper, "exit");
  wrapper.kill("SIGKILL");
  await ended;
}
