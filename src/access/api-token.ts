import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";
import { ProjectKey } from "../projects/project.ts";
import { includes, Role } from "./role.ts";

const FULL = "full";

/** What a scope says: everything, or at most a role, everywhere or in one project. */
interface ScopeTerms {
  readonly full: boolean;
  readonly projectKey: string | null;
  readonly role: Role;
}

/**
 * The most that a token may do: `full` (all that its user may), `<role>` (in every project) or `<project>:<role>`.
 * Only `full` keeps a system admin's rights outside projects.
 */
export const Scope = z
  .string()
  .max(80)
  .refine(
    (text) => readScope(text) !== null,
    "must be full, a role (viewer, releaser, approver, admin), or <project key>:<role>",
  );

/** The scope in parts; null when the text is none. */
export function readScope(text: string): ScopeTerms | null {
  if (text === FULL) return { full: true, projectKey: null, role: "admin" };
  const [role, key] = text.split(":").toReversed();
  const parsed = Role.safeParse(role);
  const known = key === undefined || ProjectKey.safeParse(key).success;
  if (!parsed.success || !known || text.split(":").length > 2) return null;
  return { full: false, projectKey: key ?? null, role: parsed.data };
}

const termsOf = (scopes: readonly string[]): ScopeTerms[] =>
  scopes.map(readScope).filter((terms) => terms !== null);

/** True when the token is not cut down at all. */
export const isFull = (scopes: readonly string[]): boolean => scopes.includes(FULL);

/** The roles that these scopes allow at most in the project of this key. */
export const rolesAllowed = (scopes: readonly string[], projectKey: string): Role[] =>
  termsOf(scopes)
    .filter((terms) => terms.projectKey === null || terms.projectKey === projectKey)
    .map((terms) => terms.role);

/** True when whatever `wanted` allows is allowed by one of `held` too. */
export function covers(held: readonly string[], wanted: string): boolean {
  const want = readScope(wanted);
  if (want === null) return false;
  return termsOf(held).some(
    (have) =>
      have.full ||
      (!want.full &&
        includes(have.role, want.role) &&
        (have.projectKey === null || have.projectKey === want.projectKey)),
  );
}

/** A machine credential of a user. Its secret is shown once, when it is made. */
export const ApiToken = z.object({
  id: Id,
  userId: Id,
  userName: z.string(),
  name: z.string().min(1).max(128),
  scopes: z.array(Scope).min(1).max(50),
  /** Null: never. */
  expiresAt: Instant.nullable(),
  /** At most a minute old. */
  lastUsedAt: Instant.nullable(),
  revokedAt: Instant.nullable(),
  createdAt: Instant,
});
export type ApiToken = z.output<typeof ApiToken>;

/** A token just made, with the only copy of its text: `hg_<id>_<secret>`. */
export interface NewApiToken {
  readonly token: ApiToken;
  readonly text: string;
}

/** The text that a client shows. */
export const tokenText = (id: string, secret: string): string => `hg_${id}_${secret}`;

/** The parts of a token's text; null when it is none. */
export function readTokenText(text: string): { readonly id: string; readonly secret: string } | null {
  const [, id, secret] = /^hg_([0-9a-f]{24})_([0-9a-f]{64})$/.exec(text) ?? [];
  return id !== undefined && secret !== undefined ? { id, secret } : null;
}

/** True while the token itself is neither revoked nor expired. */
export const isLive = (token: ApiToken, now: Date): boolean =>
  token.revokedAt === null && (token.expiresAt === null || token.expiresAt > now);
