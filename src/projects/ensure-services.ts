import { recordEvent } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { newId } from "../kernel/id.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { type Service, ServiceName } from "./service.ts";
import { insertService, knownServiceNames } from "./service-store.ts";

/**
 * Makes the services that the project lacks, with an event each, in the caller's transaction.
 * The caller has checked the right to. Throws INPUT_INVALID for a name no service may have.
 */
export async function ensureServices(
  tx: Context,
  projectId: string,
  names: readonly string[],
): Promise<void> {
  const known = await knownServiceNames(tx.db, projectId, names);
  // In one order for all, so that two callers never wait for each other in a circle.
  const missing = [...new Set(names)].filter((name) => !known.has(name)).toSorted();
  for (const name of missing) {
    const now = tx.now();
    const service: Service = {
      id: newId(now),
      projectId,
      name: parseInput(ServiceName, name),
      createdAt: now,
    };
    if (await insertService(tx.db, service))
      await recordEvent(tx, { kind: "service.created", projectId, subjectId: service.id, after: service });
  }
}
