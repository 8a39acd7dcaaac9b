import { createHash } from "node:crypto";
import * as z from "zod";
import { type Context, inTransaction } from "../context.ts";
import { canonicalJson, type Json } from "../kernel/canonical-json.ts";
import { DomainError } from "../kernel/errors.ts";
import { parseInput } from "../kernel/parse-input.ts";
import {
  claim,
  findRequest,
  forgetOlderThan,
  keepReply,
  type RequestKey,
  release,
  takeOver,
} from "./idempotent-request-store.ts";

/** What a client may write as its key. */
export const IdempotencyKey = z
  .string()
  .regex(/^[\x21-\x7e]{1,255}$/, "Idempotency-Key: must be 1 to 255 visible ASCII characters");

const KEPT_MILLIS = 24 * 60 * 60 * 1000;
/** After this the first request must have died with its process: a transaction lives 5 seconds at most. */
const RUNNING_MILLIS = 60_000;

export interface IdempotentRequest {
  /** Which operation is asked for; the same key may come with several. */
  readonly route: string;
  readonly key: string;
  /** All that makes the request what it is, as JSON. */
  readonly request: unknown;
}

export interface KeptReply<T> {
  /** How the reply is written down and read again. */
  readonly schema: z.ZodType<T>;
  /** A field of the reply that must not be written down; a replay has null there. */
  readonly secretField: string | null;
}

/** Work in the caller's transaction. */
type Work<T> = (tx: Context) => Promise<T>;

/** `idempotentlyPrepared` for work that needs no preparation. */
export const idempotently = <T>(
  ctx: Context,
  asked: IdempotentRequest,
  kept: KeptReply<T>,
  work: Work<T>,
): Promise<{ readonly reply: T; readonly replayed: boolean }> =>
  idempotentlyPrepared(ctx, asked, kept, async () => work);

/**
 * Runs `work` once for each (actor, route, key) in 24 hours; later the reply of the first time comes back, without its
 * secret. States of a key: unknown → running → done; running → unknown when `work` throws, so that only successes are kept.
 * `running` is committed before the work, so that a second request sees it; `done` in the work's own transaction.
 * `prepare` does what may take longer than a transaction, and returns the work.
 * Throws IDEMPOTENCY_MISMATCH, IDEMPOTENCY_RUNNING, INPUT_INVALID, and what `work` throws.
 */
export async function idempotentlyPrepared<T>(
  ctx: Context,
  asked: IdempotentRequest,
  kept: KeptReply<T>,
  prepare: (ctx: Context) => Promise<Work<T>>,
): Promise<{ readonly reply: T; readonly replayed: boolean }> {
  const place: RequestKey = {
    actor: ctx.actor.userId ?? ctx.actor.name,
    route: asked.route,
    key: parseInput(IdempotencyKey, asked.key),
  };
  const requestHash = hashOf(asked.request);
  const earlier = await begin(ctx, place, requestHash);
  if (earlier.reply !== null)
    return { reply: z.decode(kept.schema, JSON.parse(earlier.reply) as never), replayed: true };
  try {
    const work = await prepare(ctx);
    const reply = await inTransaction(ctx, async (tx) => {
      const result = await work(tx);
      if (!(await keepReply(tx.db, place, earlier.claimedAt, writeDown(kept, result))))
        throw new DomainError("IDEMPOTENCY_RUNNING");
      return result;
    });
    return { reply, replayed: false };
  } catch (error) {
    await release(ctx.db, place, earlier.claimedAt).catch((problem: unknown) => {
      ctx.log.warn({ err: problem, place }, "an idempotency key stays claimed for a minute");
    });
    throw error;
  }
}

type Begun = { readonly claimedAt: Date; readonly reply: null } | { readonly reply: string };

/** Claims the key, or finds what the first request with it answered. Looks first: a look never waits for a writer. */
async function begin(ctx: Context, place: RequestKey, requestHash: string): Promise<Begun> {
  const now = ctx.now();
  const aDayAgo = new Date(now.getTime() - KEPT_MILLIS);
  let first = await findRequest(ctx.db, place);
  if (!first || first.claimedAt < aDayAgo) {
    await forgetOlderThan(ctx.db, aDayAgo);
    if (await claim(ctx.db, place, requestHash, now)) return { claimedAt: now, reply: null };
    first = await findRequest(ctx.db, place);
  }
  // It failed and was forgotten between the two statements: the client may simply repeat.
  if (!first) throw new DomainError("IDEMPOTENCY_RUNNING");
  if (first.requestHash !== requestHash) throw new DomainError("IDEMPOTENCY_MISMATCH");
  if (first.reply !== null) return { reply: first.reply };
  const died = now.getTime() - first.claimedAt.getTime() > RUNNING_MILLIS;
  if (died && (await takeOver(ctx.db, place, first.claimedAt, now))) return { claimedAt: now, reply: null };
  throw new DomainError("IDEMPOTENCY_RUNNING");
}

const hashOf = (request: unknown): string =>
  createHash("sha256")
    .update(canonicalJson(JSON.parse(JSON.stringify(request ?? null)) as Json))
    .digest("hex");

function writeDown<T>(kept: KeptReply<T>, reply: T): string {
  const json: unknown = z.encode(kept.schema, reply);
  const open = kept.secretField === null ? json : { ...(json as object), [kept.secretField]: null };
  return JSON.stringify(open ?? null);
}
