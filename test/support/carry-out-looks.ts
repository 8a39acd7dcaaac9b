import type { Context } from "../../src/context.ts";
import { startQueued } from "../../src/deployments/start-queued.task.ts";
import { QueuePayload, START_QUEUED } from "../../src/deployments/start-queued-request.ts";
import type { TaskRun } from "../../src/tasks/task.ts";

/** Does what the tasks would do that were asked to look at what waits; where none was asked for, nothing. */
export async function carryOutLooks(ctx: Context): Promise<void> {
  const tasks = await ctx.db
    .deleteFrom("tasks")
    .where("kind", "=", START_QUEUED.kind)
    .returning("payload_json")
    .execute();
  for (const { payload_json } of tasks)
    await startQueued.run(ctx, QueuePayload.parse(JSON.parse(payload_json)), {} as TaskRun);
}
