import { type Context, inTransaction } from "../context.ts";
import type { Json } from "../kernel/canonical-json.ts";
import {
  type ChainHead,
  type ChainSigner,
  entryHash,
  isSignedBy,
  keyIdOf,
  signHead,
} from "../kernel/hash-chain.ts";
import { wakeUp } from "../storage/wake-up.ts";
import { EVENTS_SEALED } from "./event-store.ts";
import {
  findHead,
  listUnsealed,
  moveHead,
  type Seal,
  sealRows,
  type StoredHead,
  takeLease,
} from "./seal-store.ts";

/*
 * Sealing gives committed events their place in their chain. What an earlier pass could see comes before what
 * only a later one sees, so a place never contradicts the order of commits, and a transaction that commits
 * late is not skipped: it waits without a sequence, not behind a watermark. Within a pass the order is that of
 * inserting: an event whose change rests on another's was inserted after that one was committed. (Numbers of
 * transactions would not do: a transaction has its number from its first write on, which may lie before.)
 */

/** Who seals: a process's own name, and the key that signs heads. */
export interface Sealer {
  readonly holder: string;
  readonly signer: ChainSigner;
}

/** The new head of a chain; `more` when there may be events left. */
export interface Sealed {
  readonly head: ChainHead;
  readonly more: boolean;
}

const BATCH = 500;

/**
 * Seals the committed events of one chain, 500 at most, and signs its new head; null when there was nothing to
 * seal or another process holds the lease. Throws an Error when the stored head was not signed by this key.
 */
export const sealEvents = (ctx: Context, sealer: Sealer, chain: string): Promise<Sealed | null> =>
  inTransaction(ctx, async (tx) => {
    if (!(await takeLease(tx.db, sealer.holder))) return null;
    const last = await findHead(tx.db, chain);
    if (last) refuseForeignHead(sealer.signer, chain, last);
    const seals = sealsFor(await listUnsealed(tx.db, chain, BATCH), last);
    const newest = seals.at(-1);
    if (!newest) return null;
    await sealRows(tx.db, seals);
    const signedAt = tx.now();
    const head = signHead(sealer.signer, { chain, sequence: newest.sequence, hash: newest.hash }, signedAt);
    await moveHead(tx.db, chain, last, { ...newest, signature: head.signature, signedAt });
    wakeUp(tx.db, EVENTS_SEALED);
    return { head, more: seals.length === BATCH };
  });

function sealsFor(rows: Awaited<ReturnType<typeof listUnsealed>>, last: StoredHead | null): Seal[] {
  let sequence = last?.sequence ?? 0;
  let previousHash = last?.hash ?? null;
  return rows.map(({ serial, body_json }) => {
    sequence += 1;
    const hash = entryHash(JSON.parse(body_json) as { [key: string]: Json }, sequence, previousHash);
    const seal = { serial, sequence, previousHash, hash };
    previousHash = hash;
    return seal;
  });
}

/** The stored head as it was signed. */
export const signedHead = (signer: ChainSigner, chain: string, head: StoredHead): ChainHead => ({
  chain,
  sequence: head.sequence,
  hash: head.hash,
  signedAt: head.signedAt.toISOString(),
  keyId: keyIdOf(signer.publicKey),
  signature: head.signature,
});

/** Going on from a forged head would put our signature under a forged history. */
function refuseForeignHead(signer: ChainSigner, chain: string, head: StoredHead): void {
  if (!isSignedBy(signer.publicKey, signedHead(signer, chain, head)))
    throw new Error(
      `The audit chain ${chain} is not sealed any further: its head in the database (sequence ${head.sequence}) ` +
        "was not signed with this installation's key. Compare an export with the last head in the logs.",
    );
}
