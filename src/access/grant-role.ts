import { recordEvent } from "../audit/record-event.ts";
import { type Context, inTransaction } from "../context.ts";
import { parseInput } from "../kernel/parse-input.ts";
import { getProject } from "../projects/get-project.ts";
import { requireRole } from "./authorize.ts";
import { manageableUser } from "./get-user.ts";
import { type ProjectRole, Role } from "./role.ts";
import { findRole, putRole } from "./role-store.ts";

export interface GrantRole {
  readonly projectKey: string;
  /** Id or name. */
  readonly user: string;
  readonly role: Role;
}

/**
 * Gives a user this role in the project, in place of the one held so far. Needs the project's admin.
 * Throws PROJECT_NOT_FOUND, USER_NOT_FOUND, FORBIDDEN, INPUT_INVALID.
 */
export async function grantRole(ctx: Context, input: GrantRole): Promise<ProjectRole> {
  const role = parseInput(Role, input.role);
  return await inTransaction(ctx, async (tx) => {
    const project = await getProject(tx, input.projectKey);
    requireRole(tx, project.id, "admin");
    const user = await manageableUser(tx, input.user);
    const granted: ProjectRole = { userId: user.id, userName: user.name, role };
    const before = await findRole(tx.db, user.id, project.id);
    if (before === role) return granted;
    await putRole(tx.db, user.id, project.id, role);
    await recordEvent(tx, {
      kind: "role.granted",
      projectId: project.id,
      subjectId: user.id,
      before: before && { ...granted, role: before },
      after: granted,
    });
    return granted;
  });
}
