import { createHash } from "node:crypto";
import * as z from "zod";

/** A content address: `sha256:` and 64 lower-case hex digits. Other algorithms are refused. */
export const Digest = z.string().regex(/^sha256:[0-9a-f]{64}$/, "must be sha256: and 64 hex digits");
export type Digest = z.output<typeof Digest>;

export const isDigest = (text: string): boolean => Digest.safeParse(text).success;

/** The digest of these bytes. */
export const digestOf = (bytes: Uint8Array | string): Digest =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
