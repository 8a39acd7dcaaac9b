import { recordEvents } from "../audit/record-event.ts";
import type { Context } from "../context.ts";
import { newId } from "../kernel/id.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { type Service, ServiceName } from "./service.ts";
import { insertServices, knownServiceNames } from "./service-store.ts";

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
  const now = tx.now();
  const services = missing.map((name): Service => ({
    id: newId(now),
    projectId,
    name: parseInput(ServiceName, name),
    createdAt: now,
  }));
  const inserted = await insertServices(tx.db, services);
  const made = services.filter(({ id }) => inserted.has(id));
  await recordEvents(
    tx,
    made.map((service) => ({ kind: "service.created", projectId, subjectId: service.id, after: service })),
  );
}
