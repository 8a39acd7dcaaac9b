import { requireSystemAdmin } from "../access/authorize.ts";
import type { Context } from "../context.ts";
import { Backup } from "./backup.ts";

/** The backups that are where this server puts them, newest first. Needs a system admin. Throws FORBIDDEN. */
export async function listBackups(ctx: Context): Promise<Backup[]> {
  requireSystemAdmin(ctx);
  const { backups } = ctx.files;
  const found = (await backups.list()).flatMap(({ name, facts }) => {
    const backup = readBackup(facts, { name, folder: backups.pathOf(name) });
    return backup ? [backup] : [];
  });
  return found.toSorted((one, other) => other.madeAt.getTime() - one.madeAt.getTime());
}

/** Where it is says more than where it was made; null when the folder is no backup of ours. */
function readBackup(facts: string, place: Pick<Backup, "name" | "folder">): Backup | null {
  try {
    return Backup.parse({ ...(JSON.parse(facts) as object), ...place });
  } catch {
    return null;
  }
}
