import { requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { countReleasesUsing, deleteConnectionRow, projectsUsing } from "./connection-store.ts";
import { getConnection } from "./get-connection.ts";

/**
 * Deletes a connection, by id or name. Needs a system admin. Refused while a release, a project or a workflow needs it.
 * Throws CONNECTION_NOT_FOUND, CONNECTION_BUILT_IN, CONNECTION_IN_USE, FORBIDDEN.
 */
export async function deleteConnection(ctx: Context, idOrName: string): Promise<void> {
  requireSystemAdmin(ctx);
  await inTransaction(ctx, async (tx) => {
    const connection = await getConnection(tx, idOrName);
    if (connection.builtIn) throw new DomainError("CONNECTION_BUILT_IN");
    const releases = await countReleasesUsing(tx.db, connection.id);
    if (releases > 0)
      throw new DomainError(
        "CONNECTION_IN_USE",
        `${releases} release(s) read or write through ${connection.name}: delete them first`,
        { releases },
      );
    const projects = await projectsUsing(tx.db, connection.id);
    if (projects.length > 0)
      throw new DomainError(
        "CONNECTION_IN_USE",
        `${connection.name} leads to the repository, or carries out workflows, of ${projects.join(", ")}: change them first`,
        { projects },
      );
    await deleteConnectionRow(tx.db, connection.id);
    await recordEvent(tx, {
      kind: "connection.deleted",
      projectId: null,
      subjectId: connection.id,
      before: connection,
    });
  });
}
