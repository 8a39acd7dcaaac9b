import * as z from "zod";
import type { Context } from "../context.ts";
import { defineTask, type TaskKind } from "../tasks/task.ts";
import { expireUploads } from "./expire-uploads.ts";
import { sweepBlobs } from "./sweep-blobs.ts";

const HOUR_MILLIS = 60 * 60 * 1000;

/** Every hour: ends resting uploads and removes what no repository needs any more. */
export const sweepBlobsTask: TaskKind<object, Context> = defineTask({
  name: "sweep-blobs",
  version: 1,
  payload: z.object({}),
  maxAttempts: 1,
  concurrency: 1,
  everyMillis: HOUR_MILLIS,
  async run(ctx, _payload, task) {
    const expired = await expireUploads(ctx, task.signal);
    const { unlinked, removed } = await sweepBlobs(ctx, task.signal);
    if (expired + unlinked + removed > 0)
      ctx.log.info({ expired, unlinked, removed }, "swept the registry inside");
  },
});
