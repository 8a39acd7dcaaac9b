import { createCipheriv, createDecipheriv, createHash, randomBytes } from "node:crypto";

/** Length of a key. */
export const KEY_BYTES = 32;

const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const FORMAT = "hgk1";

/** Seals secrets for the database. A sealed text opens only with its key and for what it was bound to. */
export interface SecretBox {
  /** Names the key without telling anything of it. */
  readonly keyId: string;
  /** `hgk1_<key id>:` and base64url of nonce, ciphertext and tag; `boundTo` is the owner's id. */
  seal(plain: string, boundTo: string): string;
  /** Throws when the text was sealed by another key, was changed, or belongs to somebody else. */
  open(sealed: string, boundTo: string): string;
}

/** A secret box over a 32-byte key: AES-256-GCM with the owner's id as additional data. */
export function createSecretBox(key: Uint8Array): SecretBox {
  if (key.length !== KEY_BYTES) throw new Error(`a key has ${KEY_BYTES} bytes, not ${key.length}`);
  const keyId = createHash("sha256").update("headgate key id\n").update(key).digest("hex").slice(0, 8);
  const prefix = `${FORMAT}_${keyId}:`;
  return {
    keyId,
    seal(plain, boundTo) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv("aes-256-gcm", key, nonce).setAAD(Buffer.from(boundTo));
      const body = Buffer.concat([nonce, cipher.update(plain, "utf8"), cipher.final(), cipher.getAuthTag()]);
      return prefix + body.toString("base64url");
    },
    open(sealed, boundTo) {
      if (!sealed.startsWith(prefix)) throw new Error(`not sealed by the key ${keyId}`);
      const body = Buffer.from(sealed.slice(prefix.length), "base64url");
      if (body.length < NONCE_BYTES + TAG_BYTES) throw new Error("the sealed text is cut short");
      const decipher = createDecipheriv("aes-256-gcm", key, body.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(boundTo))
        .setAuthTag(body.subarray(-TAG_BYTES));
      const plain = decipher.update(body.subarray(NONCE_BYTES, -TAG_BYTES));
      return Buffer.concat([plain, decipher.final()]).toString();
    },
  };
}
