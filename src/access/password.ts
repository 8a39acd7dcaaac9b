import { argon2, randomBytes, timingSafeEqual } from "node:crypto";
import { createLimiter } from "../kernel/limiter.ts";

/** RFC 9106 and the OWASP password storage sheet: 19 MiB, two passes, one lane. */
const COST = { memoryKib: 19_456, passes: 2, parallelism: 1 } as const;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

type Cost = Readonly<Record<keyof typeof COST, number>>;

/** Each takes 19 MiB and a thread that files and databases need too. */
const twoAtATime = createLimiter(2);

const encode = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64").replaceAll("=", "");

function derive(password: string, salt: Buffer, cost: Cost): Promise<Buffer> {
  const terms = {
    message: password.normalize("NFKC"),
    nonce: salt,
    parallelism: cost.parallelism,
    tagLength: HASH_BYTES,
    memory: cost.memoryKib,
    passes: cost.passes,
  };
  return twoAtATime(
    () =>
      new Promise((resolve, reject) => {
        argon2("argon2id", terms, (error, hash) => (error ? reject(error) : resolve(hash)));
      }),
  );
}

/** The argon2id hash of a password in PHC string form. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES);
  const hash = await derive(password, salt, COST);
  const cost = `m=${COST.memoryKib},t=${COST.passes},p=${COST.parallelism}`;
  return `$argon2id$v=19$${cost}$${encode(salt)}$${encode(hash)}`;
}

/** True when the password made this hash. Without a hash: false, after the same work. */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const known = hash === null ? null : readHash(hash);
  const derived = await derive(password, known?.salt ?? randomBytes(SALT_BYTES), known?.cost ?? COST);
  return known !== null && known.hash.length === derived.length && timingSafeEqual(known.hash, derived);
}

function readHash(text: string): { cost: Cost; salt: Buffer; hash: Buffer } {
  const match = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/.exec(text);
  const [, memory, passes, parallelism, salt, hash] = match ?? [];
  if (salt === undefined || hash === undefined) throw new Error("a stored password hash is not in PHC form");
  return {
    cost: { memoryKib: Number(memory), passes: Number(passes), parallelism: Number(parallelism) },
    salt: Buffer.from(salt, "base64"),
    hash: Buffer.from(hash, "base64"),
  };
}
