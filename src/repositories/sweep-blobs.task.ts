import type { Context } from "../context.ts";
import { defineRecurringTask } from "../tasks/schedule.ts";
import { expireUploads } from "./expire-uploads.ts";
import { sweepBlobs } from "./sweep-blobs.ts";

const HOUR_MILLIS = 60 * 60 * 1000;

/** Every hour: ends resting uploads and removes what no repository needs any more. */
export const sweepBlobsTask = defineRecurringTask<Context>({
  name: "sweep-blobs",
  everyMillis: HOUR_MILLIS,
  async run(ctx, task) {
    const expired = await expireUploads(ctx, task.signal);
    const { unlinked, removed } = await sweepBlobs(ctx, task.signal);
    if (expired + unlinked + removed > 0)
      ctx.log.info({ expired, unlinked, removed }, "swept the registry inside");
  },
});
