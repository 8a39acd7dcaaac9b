import { randomBytes } from "node:crypto";
import { link, mkdir, open, readFile, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf, StartError } from "../kernel/errors.ts";
import { KEY_BYTES } from "./secret-box.ts";

const FILE_NAME = "headgate.key";
const OTHERS = 0o077;

export interface KeyPlace {
  /** The file the operator named; null: the data directory's own. */
  readonly keyFile: string | null;
  readonly dataDirectory: string;
  /** True when this program alone owns the data: a shared database needs a key that all replicas share. */
  readonly mayGenerate: boolean;
}

/**
 * The key that seals stored secrets: one line of base64, 32 bytes. Made with mode 0600 in the data directory
 * when none was named and that is allowed. Throws StartError.
 */
export async function loadKey(place: KeyPlace): Promise<Buffer> {
  if (place.keyFile !== null) return readKey(place.keyFile);
  if (!place.mayGenerate)
    throw new StartError(
      "With PostgreSQL, set HEADGATE_KEY_FILE to a file that every replica reads: one line of base64, " +
        `${KEY_BYTES} bytes (openssl rand -base64 ${KEY_BYTES}), mode 0600`,
    );
  const path = join(place.dataDirectory, FILE_NAME);
  if (!(await exists(path))) await generateKey(place.dataDirectory, path);
  return readKey(path);
}

async function readKey(path: string): Promise<Buffer> {
  const [facts, text] = await Promise.all([stat(path), readFile(path, "utf8")]).catch((cause: unknown) => {
    throw new StartError(`Cannot read the key file ${path}: ${messageOf(cause)}`, { cause });
  });
  if (process.platform !== "win32" && (facts.mode & OTHERS) !== 0)
    throw new StartError(`The key file ${path} is open to other users: chmod 600 it`);
  const line = text.trim();
  const key = Buffer.from(line, "base64");
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(line) || key.length !== KEY_BYTES)
    throw new StartError(
      `The key file ${path} must hold one line of base64 that stands for ${KEY_BYTES} bytes`,
    );
  return key;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );

/** Whole or not at all, also through a power cut: a lost key is a lost set of passwords. */
async function generateKey(directory: string, path: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  const draft = `${path}.${process.pid}.new`;
  await writeFile(draft, `${randomBytes(KEY_BYTES).toString("base64")}\n`, { mode: 0o600, flush: true });
  try {
    await link(draft, path);
  } finally {
    await unlink(draft);
  }
  await using folder = await open(directory);
  await folder.sync();
}
