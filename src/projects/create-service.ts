import { requireRole } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { newId } from "../kernel/id.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { getProject } from "./get-project.ts";
import { type Service, ServiceName } from "./service.ts";
import { insertServices } from "./service-store.ts";

export interface CreateService {
  readonly projectKey: string;
  readonly name: string;
}

/** Makes a service. Needs a releaser. Throws PROJECT_NOT_FOUND, SERVICE_EXISTS, FORBIDDEN, INPUT_INVALID. */
export async function createService(ctx: Context, input: CreateService): Promise<Service> {
  const name = parseInput(ServiceName, input.name);
  return await inTransaction(ctx, async (tx) => {
    const project = await getProject(tx, input.projectKey);
    requireRole(tx, project.id, "releaser");
    const now = tx.now();
    const service: Service = { id: newId(now), projectId: project.id, name, createdAt: now };
    if ((await insertServices(tx.db, [service])).size === 0)
      throw new DomainError("SERVICE_EXISTS", `The project ${project.key} has a service named ${name}`);
    await recordEvent(tx, {
      kind: "service.created",
      projectId: project.id,
      subjectId: service.id,
      after: service,
    });
    return service;
  });
}
