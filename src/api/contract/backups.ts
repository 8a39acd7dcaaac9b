import * as z from "zod";
import { Backup, BackupName } from "../../repositories/backup.ts";
import type { Endpoint } from "./endpoint.ts";

/** Without Idempotency-Key: the name is unique, and a backup may take longer than a transaction. */
export const MakeBackup = {
  method: "POST",
  path: "/v1/backups",
  concept: "backups",
  summary: "Save the database and the registry inside on the server's disk, without the key (system admins)",
  body: z.strictObject({ name: BackupName.optional().describe("the moment when left out") }),
  status: 201,
  reply: Backup.extend({ restore: z.string().describe("how to put it in place") }).meta({ id: "NewBackup" }),
} as const satisfies Endpoint;

export const ListBackups = {
  method: "GET",
  path: "/v1/backups",
  concept: "backups",
  summary: "List the backups on the server's disk, newest first (system admins)",
  status: 200,
  reply: z.object({ items: z.array(Backup.meta({ id: "Backup" })) }),
} as const satisfies Endpoint;
