/** What lies in a data directory, and so in a backup of one. */
export const DATABASE_FILE = "headgate.db";
/** The bytes of the registry inside. */
export const FILES_FOLDER = "registry";
/** Backups, unless the settings put them elsewhere. */
export const BACKUPS_FOLDER = "backups";
