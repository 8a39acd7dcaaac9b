import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { getProject } from "../projects/get-project.ts";
import { requireRole } from "./authorize.ts";
import { manageableUser } from "./get-user.ts";
import { findRole, removeRole } from "./role-store.ts";

export interface RevokeRole {
  readonly projectKey: string;
  /** Id or name. */
  readonly user: string;
}

/**
 * Takes a user's role in the project away; without one nothing happens. Needs the project's admin.
 * Throws PROJECT_NOT_FOUND, USER_NOT_FOUND, FORBIDDEN.
 */
export async function revokeRole(ctx: Context, input: RevokeRole): Promise<void> {
  await inTransaction(ctx, async (tx) => {
    const project = await getProject(tx, input.projectKey);
    requireRole(tx, project.id, "admin");
    const user = await manageableUser(tx, input.user);
    const role = await findRole(tx.db, user.id, project.id);
    if (role === null) return;
    await removeRole(tx.db, user.id, project.id);
    await recordEvent(tx, {
      kind: "role.revoked",
      projectId: project.id,
      subjectId: user.id,
      before: { userId: user.id, userName: user.name, role },
    });
  });
}
