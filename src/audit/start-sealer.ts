import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import type { Context } from "../context.ts";
import { newBell } from "../kernel/bell.ts";
import type { ChainHead } from "../kernel/hash-chain.ts";
import { onWakeUp } from "../storage/wake-up.ts";
import { EVENTS_WRITTEN } from "./event-store.ts";
import { type Sealer, sealEvents } from "./seal-events.ts";
import { listUnsealedChains, releaseLease } from "./seal-store.ts";
import { signingKey } from "./signing-key.ts";

/** Between two passes at least: many changes in a moment cost one pass. */
const GAP_MILLIS = 250;
/** Between two passes at most: wake-ups may get lost. */
const POLL_MILLIS = 800;
const LOG_EVERY_MILLIS = 60_000;

export interface RunningSealer {
  /** Seals what is there, logs the last heads, and ends. */
  stop(): Promise<void>;
}

/**
 * Seals events within a second of their commit, for as long as this process holds the lease. Every process may
 * run one. The signed head of each chain that grew goes to the log, at most once a minute and at the end.
 */
export async function startSealer(ctx: Context): Promise<RunningSealer> {
  const sealer: Sealer = { holder: randomUUID(), signer: await signingKey(ctx) };
  const heads = headLog(ctx);
  const bell = newBell();
  const stopListening = onWakeUp(ctx.db, EVENTS_WRITTEN, bell.ring);
  const stopping = new AbortController();
  const pass = async (): Promise<void> => heads.add(await sealAll(ctx, sealer));
  const loop = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      await pass();
      await delay(GAP_MILLIS);
      await bell.wait(POLL_MILLIS);
    }
  };
  const running = loop();
  return {
    stop: async () => {
      stopping.abort();
      bell.ring();
      stopListening();
      await running;
      await pass();
      heads.flush();
      await giveUpLease(ctx, sealer);
    },
  };
}

/** A full disk must not keep the program from stopping: the lease runs out by itself. */
async function giveUpLease(ctx: Context, { holder }: Sealer): Promise<void> {
  try {
    await releaseLease(ctx.db, holder);
  } catch (error) {
    ctx.log.warn({ err: error }, "the lease on sealing could not be given up; it runs out by itself");
  }
}

/** One pass over all chains; a chain that fails is logged and does not hold up the others. */
async function sealAll(ctx: Context, sealer: Sealer): Promise<ChainHead[]> {
  const heads: ChainHead[] = [];
  try {
    for (const chain of await listUnsealedChains(ctx.db)) {
      const head = await sealChain(ctx, sealer, chain);
      if (head) heads.push(head);
    }
  } catch (error) {
    ctx.log.error({ err: error }, "audit events cannot be sealed at the moment");
  }
  return heads;
}

/** Seals all that one chain has; the last head of it. */
async function sealChain(ctx: Context, sealer: Sealer, chain: string): Promise<ChainHead | null> {
  try {
    let last: ChainHead | null = null;
    for (let more = true; more;) {
      const sealed = await sealEvents(ctx, sealer, chain);
      last = sealed?.head ?? last;
      more = sealed?.more ?? false;
    }
    return last;
  } catch (error) {
    ctx.log.error({ err: error, chain }, "an audit chain cannot be sealed");
    return null;
  }
}

/** The heads of the last minute, one line for each chain. */
function headLog(ctx: Context) {
  const waiting = new Map<string, ChainHead>();
  let loggedAt = Number.NEGATIVE_INFINITY;
  const flush = (): void => {
    for (const head of waiting.values()) ctx.log.info({ head }, "audit chain head");
    waiting.clear();
    loggedAt = ctx.now().getTime();
  };
  return {
    flush,
    add: (heads: readonly ChainHead[]): void => {
      for (const head of heads) waiting.set(head.chain, head);
      if (waiting.size > 0 && ctx.now().getTime() - loggedAt >= LOG_EVERY_MILLIS) flush();
    },
  };
}
