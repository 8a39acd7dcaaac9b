import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto";
import type { Context } from "../context.ts";
import type { ChainSigner } from "../kernel/hash-chain.ts";
import { findOrKeepSetting } from "./setting-store.ts";

const SETTING = "audit_signing_key";

/** The key that signs the heads of all chains; made at the first start, kept sealed in the database. */
export async function signingKey(ctx: Context): Promise<ChainSigner> {
  const sealed = await findOrKeepSetting(ctx.db, SETTING, () => ctx.secrets.seal(newKey(), SETTING));
  const privateKey = createPrivateKey(ctx.secrets.open(sealed, SETTING));
  const publicKey = createPublicKey(privateKey).export({ format: "der", type: "spki" }).toString("base64");
  return { publicKey, privateKey };
}

const newKey = (): string =>
  generateKeyPairSync("ed25519").privateKey.export({ format: "pem", type: "pkcs8" }).toString();
