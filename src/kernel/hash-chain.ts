import { createHash, createPublicKey, type KeyObject, sign, verify } from "node:crypto";
import * as z from "zod";
import { canonicalJson, type Json } from "./canonical-json.ts";

/*
 * A hash chain: every entry has a sequence, from 1 without gaps, and a hash over its body, its sequence and the
 * hash before it. Whoever changes, removes or swaps entries changes every hash after them; the signed head
 * says which hash was the last one at a moment.
 */

const Hash = z.string().regex(/^[0-9a-f]{64}$/, "must be 64 hex digits");

/** Bytes as base64 in the one way that leaves no bit open: a changed character is a changed value. */
export const Base64 = z
  .base64()
  .refine((text) => Buffer.from(text, "base64").toString("base64") === text, "must be canonical base64");

/** What the chain knows of an entry; the body is everything else in the same JSON object. */
export const ChainEntry = z.looseObject({
  chain: z.string(),
  sequence: z.int().min(1),
  previousHash: Hash.nullable(),
  hash: Hash,
});
export type ChainEntry = z.output<typeof ChainEntry>;

/** The last entry of a chain at a moment, signed. `sequence` 0 and `hash` null stand for a chain without entries. */
export const ChainHead = z.object({
  chain: z.string().min(1).max(64),
  sequence: z.int().min(0),
  hash: Hash.nullable(),
  signedAt: z.iso.datetime(),
  /** SHA-256 of the public key, hex. */
  keyId: Hash,
  /** Ed25519 over the canonical JSON of the other members, base64. */
  signature: Base64,
});
export type ChainHead = z.output<typeof ChainHead>;

/** A key pair that signs heads; `publicKey` is the base64 of its SPKI form. */
export interface ChainSigner {
  readonly publicKey: string;
  readonly privateKey: KeyObject;
}

type Body = { readonly [key: string]: Json };

/** The hash of an entry: SHA-256 over the canonical JSON of its body, sequence and previous hash; hex. */
export const entryHash = (body: Body, sequence: number, previousHash: string | null): string =>
  sha256(canonicalJson({ ...body, sequence, previousHash }));

/** What names a public key in the heads that it signed. */
export const keyIdOf = (publicKey: string): string => sha256(Buffer.from(publicKey, "base64"));

/** Signs that this entry is the last one of its chain. */
export function signHead(
  signer: ChainSigner,
  last: Pick<ChainHead, "chain" | "sequence" | "hash">,
  at: Date,
): ChainHead {
  const { chain, sequence, hash } = last;
  const head = { chain, sequence, hash, signedAt: at.toISOString(), keyId: keyIdOf(signer.publicKey) };
  return {
    ...head,
    signature: sign(null, Buffer.from(canonicalJson(head)), signer.privateKey).toString("base64"),
  };
}

/** True when the holder of this key signed the head. */
export function isSignedBy(publicKey: string, { signature, ...head }: ChainHead): boolean {
  if (head.keyId !== keyIdOf(publicKey)) return false;
  try {
    const key = createPublicKey({ key: Buffer.from(publicKey, "base64"), format: "der", type: "spki" });
    return verify(null, Buffer.from(canonicalJson(head)), key, Buffer.from(signature, "base64"));
  } catch {
    // A text that is no key at all has signed nothing.
    return false;
  }
}

const sha256 = (content: string | Buffer): string => createHash("sha256").update(content).digest("hex");
