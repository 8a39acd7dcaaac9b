import type { Context } from "../context.ts";
import { listProjectKeys } from "../projects/project-store.ts";
import type { Role } from "./role.ts";

/** Who a token makes its holder, and what it allows. */
export interface WhoAmI {
  readonly name: string;
  /** Null for the admin token of the settings, which belongs to no user. */
  readonly userId: string | null;
  readonly tokenId: string | null;
  readonly systemAdmin: boolean;
  /** By project key. A system admin may do everything and has none. */
  readonly roles: readonly { readonly project: string; readonly role: Role }[];
}

/** The actor in words that mean something to it. */
export async function whoAmI(ctx: Context): Promise<WhoAmI> {
  const { name, userId, tokenId, systemAdmin, roles } = ctx.actor;
  const projects = Object.keys(roles).length === 0 ? [] : await listProjectKeys(ctx.db);
  const held = projects.flatMap(({ id, key }) => {
    const role = roles[id];
    return role === undefined ? [] : [{ project: key, role }];
  });
  return { name, userId, tokenId, systemAdmin, roles: held };
}
