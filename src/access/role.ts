import * as z from "zod";
import { Id } from "../kernel/id.ts";

/**
 * What a person may do in a project. Each role includes the ones before it:
 * viewer sees, releaser creates and retries, approver also decides approvals, admin also deletes and configures.
 */
export const Role = z.enum(["viewer", "releaser", "approver", "admin"]);
export type Role = z.output<typeof Role>;

const RANK = { viewer: 1, releaser: 2, approver: 3, admin: 4 } as const satisfies Record<Role, number>;

export const includes = (held: Role | null, needed: Role): boolean =>
  held !== null && RANK[held] >= RANK[needed];

/** The lesser of two roles; null when either is missing. */
export function lesserRole(one: Role | null, other: Role | null): Role | null {
  if (one === null || other === null) return null;
  return RANK[one] <= RANK[other] ? one : other;
}

/** The greatest of these roles; null when there is none. */
export const greatestRole = (roles: readonly Role[]): Role | null =>
  roles.reduce<Role | null>((best, role) => (includes(best, role) ? best : role), null);

/** A role that somebody holds, with the key by which a token's scopes name the project. */
export interface HeldRole {
  readonly projectId: string;
  readonly projectKey: string;
  readonly role: Role;
}

/** A role that a user holds in a project. */
export const ProjectRole = z.object({ userId: Id, userName: z.string(), role: Role });
export type ProjectRole = z.output<typeof ProjectRole>;
