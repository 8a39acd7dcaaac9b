import { createHash, randomBytes, timingSafeEqual } from "node:crypto";

/** A secret nobody can guess: 32 random bytes in hex. */
export const newSecret = (): string => randomBytes(32).toString("hex");

/** What is kept of a secret: its SHA-256 in hex. Enough for what is random and long; passwords need more. */
export const hashSecret = (secret: string): string => createHash("sha256").update(secret).digest("hex");

/** Compares in constant time, whatever the length of the secret. */
export const matchesHash = (secret: string, hash: string): boolean =>
  timingSafeEqual(Buffer.from(hashSecret(secret)), Buffer.from(hash));
