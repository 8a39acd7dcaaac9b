import type { Context } from "../context.ts";
import type { Json } from "../kernel/canonical-json.ts";
import { type ChainHead, type ChainSigner, signHead } from "../kernel/hash-chain.ts";
import { type ChainHeader, exportLine } from "../kernel/verify-chain.ts";
import { type EventRow, listEntries, listTail } from "./event-store.ts";
import { readableChain } from "./readable-chain.ts";
import { signedHead } from "./seal-events.ts";
import { findHead } from "./seal-store.ts";
import { signingKey } from "./signing-key.ts";

const PAGE = 500;

/**
 * A whole chain as lines of JSON, without line ends: a header with the public key, the entries by sequence,
 * events not sealed yet (`sequence` null), and the signed head. `verifyChain` checks it anywhere.
 * Throws PROJECT_NOT_FOUND, FORBIDDEN, before the first line.
 */
export async function exportEvents(
  ctx: Context,
  input: { readonly projectKey: string | null },
): Promise<AsyncIterable<string>> {
  const chain = await readableChain(ctx, input.projectKey);
  const signer = await signingKey(ctx);
  return linesOf(ctx, chain, signer);
}

async function* linesOf(ctx: Context, chain: string, signer: ChainSigner): AsyncGenerator<string> {
  const head = await headOf(ctx, chain, signer);
  const header: ChainHeader = { format: "headgate-audit-1", chain, publicKey: signer.publicKey };
  yield exportLine({ ...header });
  let after = 0;
  for (;;) {
    const rows = await listEntries(ctx.db, chain, { after, upTo: head.sequence }, PAGE);
    yield* rows.map((row) => lineOf(row, row));
    if (rows.length < PAGE) break;
    after = rows.at(-1)?.sequence ?? head.sequence;
  }
  let serial = 0;
  for (;;) {
    const rows = await listTail(ctx.db, chain, { sequence: head.sequence, serial }, PAGE);
    yield* rows.map((row) => lineOf(row, UNSEALED));
    if (rows.length < PAGE) break;
    serial = rows.at(-1)?.serial ?? serial;
  }
  yield exportLine({ head: { ...head } });
}

type Place = Pick<EventRow, "sequence" | "previous_hash" | "hash">;
const UNSEALED: Place = { sequence: null, previous_hash: null, hash: null };

/** A body that somebody made unreadable in the database is exported as it is, for the check to name it. */
function lineOf(row: EventRow, place: Place): string {
  const { sequence, previous_hash: previousHash, hash } = place;
  try {
    const body = JSON.parse(row.body_json) as { [key: string]: Json };
    return exportLine({ ...body, sequence, previousHash, hash });
  } catch {
    return exportLine({ unreadable: row.body_json, sequence, previousHash, hash });
  }
}

async function headOf(ctx: Context, chain: string, signer: ChainSigner): Promise<ChainHead> {
  const head = await findHead(ctx.db, chain);
  return head
    ? signedHead(signer, chain, head)
    : signHead(signer, { chain, sequence: 0, hash: null }, ctx.now());
}
