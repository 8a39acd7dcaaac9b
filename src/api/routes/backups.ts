import type { FastifyPluginAsync } from "fastify";
import { backUp } from "../../repositories/back-up.ts";
import type { Backup } from "../../repositories/backup.ts";
import { listBackups } from "../../repositories/list-backups.ts";
import { answer } from "../answer.ts";
import { ListBackups, MakeBackup } from "../contract/backups.ts";

export const backupRoutes: FastifyPluginAsync = async (app) => {
  answer(app, MakeBackup, async (ctx, { body }) => {
    const backup = await backUp(ctx, body);
    return { ...backup, restore: restoreText(backup) };
  });
  answer(app, ListBackups, async (ctx) => ({ items: await listBackups(ctx) }));
};

const restoreText = ({ folder }: Backup): string =>
  `The folder is a data directory without the key: stop the server, start it with HEADGATE_DATA_DIR set to a copy of ${folder}, ` +
  "and put the key file (headgate.key of the old data directory) into it, or set HEADGATE_KEY_FILE.";
