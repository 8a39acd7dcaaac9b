import * as z from "zod";
import { Instant } from "../kernel/time.ts";

/** Also the name of its folder, so there is nothing in it that could lead elsewhere. */
export const BackupName = z
  .string()
  .max(64)
  .regex(
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    "must be letters, digits, dots, dashes, underscores, and begin with a letter or digit",
  );

/** A whole copy of the server's state, less the key: the database and every blob that it names. */
export const Backup = z.object({
  name: BackupName,
  /** The folder on the server, a data directory in itself. */
  folder: z.string(),
  madeAt: Instant,
  databaseBytes: z.int(),
  blobs: z.int(),
  blobBytes: z.int(),
  /** How many of the blobs are copies; the others share their bytes with the registry inside. */
  copiedBlobs: z.int(),
});
export type Backup = z.output<typeof Backup>;

/** The name of a backup made at this moment, when nobody gives one: `2026-03-01T14-05-00.123Z`. */
export const backupNameAt = (moment: Date): string => moment.toISOString().replaceAll(":", "-");
