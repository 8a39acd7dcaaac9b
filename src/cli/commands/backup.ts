import type { Command } from "commander";
import { ListBackups, MakeBackup } from "../../api/contract/backups.ts";
import { define, run } from "../define.ts";
import { misuse } from "../failure.ts";
import { bytesText, note, print, printJson, printTable, shortTime } from "../output.ts";
import { signedIn } from "../session.ts";

interface BackupOptions {
  readonly json?: true;
  readonly name?: string;
  readonly list?: true;
}

/** `headgate backup`: saves the server's state on the server's disk. */
export function addBackupCommand(program: Command): void {
  define(program, "backup", {
    summary: "Save the server's state on its own disk, while it serves: database and images, not the key",
    examples: ["headgate backup", "headgate backup --name before-upgrade", "headgate backup --list"],
    more:
      "A backup is a folder in <data directory>/backups, or where HEADGATE_BACKUP_DIR of the server says.\n" +
      "It is a data directory in itself: to restore, start a server on a copy of it, with the key file put in.\n" +
      "With PostgreSQL the answer is the pg_dump command to run instead.",
  })
    .option("--name <name>", "the name of the folder; the moment when left out")
    .option("--list", "list the backups that there are")
    .action(run(backup));
}

async function backup({ json, name, list }: BackupOptions): Promise<void> {
  if (list && name !== undefined) throw misuse("--list and --name contradict each other");
  if (list) return await listAll(json ?? false);
  const client = await signedIn();
  const made = await client.call(MakeBackup, { body: { ...(name !== undefined && { name }) } });
  if (json) return printJson(made);
  print(made.folder);
  note(
    `Saved: ${bytesText(made.databaseBytes)} of database, ${made.blobs} blobs of ${bytesText(made.blobBytes)}` +
      `${made.copiedBlobs === 0 ? ", which take no room of their own" : ""}.\n${made.restore}`,
  );
}

async function listAll(json: boolean): Promise<void> {
  const client = await signedIn();
  const { items } = await client.call(ListBackups, {});
  if (json) return printJson(items);
  printTable(
    ["NAME", "MADE", "DATABASE", "BLOBS", "FOLDER"],
    items.map((item) => [
      item.name,
      shortTime(item.madeAt),
      bytesText(item.databaseBytes),
      `${item.blobs} (${bytesText(item.blobBytes)})`,
      item.folder,
    ]),
  );
}
