import { findOrKeepSetting } from "../audit/setting-store.ts";
import { StartError } from "../kernel/errors.ts";
import type { Database } from "../storage/database.ts";
import type { SecretBox } from "./secret-box.ts";

const SETTING = "key_check";
const PLAIN = "headgate";

/**
 * Makes sure that this key sealed what the database holds: the first start leaves a check value, every later one
 * opens it. Throws StartError when the key is another one.
 */
export async function verifyKey(db: Database, box: SecretBox): Promise<void> {
  const value = await findOrKeepSetting(db, SETTING, () => box.seal(PLAIN, SETTING));
  if (!opens(box, value))
    throw new StartError(
      `The key ${box.keyId} is not the one that sealed this database's secrets (${value.split(":")[0] ?? ""}): ` +
        "set HEADGATE_KEY_FILE to the right key file, or put it back into the data directory",
    );
}

function opens(box: SecretBox, sealed: string): boolean {
  try {
    return box.open(sealed, SETTING) === PLAIN;
  } catch {
    return false;
  }
}
