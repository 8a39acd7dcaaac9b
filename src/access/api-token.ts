import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";
import { ProjectKey } from "../projects/project.ts";
import { includes, Role } from "./role.ts";

const FULL = "full";
const REPORT = "deployments:report";

/** What a scope says: everything, or at most a role or to report alone, everywhere or in one project. */
interface ScopeTerms {
  readonly full: boolean;
  readonly projectKey: string | null;
  /** Null: no role, only to say how deployments and builds are. */
  readonly role: Role | null;
}

/**
 * The most that a token may do: `full` (all that its user may), `<role>` (in every project), `<project>:<role>`, or
 * `deployments:report`, in every project or after `<project>:`. Only `full` keeps a system admin's rights outside projects.
 */
export const Scope = z
  .string()
  .max(80)
  .refine(
    (text) => readScope(text) !== null,
    "must be full, a role (viewer, releaser, approver, admin), deployments:report, or one of the latter after <project key>:",
  );

/** The scope in parts; null when the text is none. */
export function readScope(text: string): ScopeTerms | null {
  if (text === FULL) return { full: true, projectKey: null, role: "admin" };
  if (text === REPORT) return { full: false, projectKey: null, role: null };
  if (text.endsWith(`:${REPORT}`)) return reportTerms(text.slice(0, -REPORT.length - 1));
  const [role, key] = text.split(":").toReversed();
  const parsed = Role.safeParse(role);
  const known = key === undefined || ProjectKey.safeParse(key).success;
  if (!parsed.success || !known || text.split(":").length > 2) return null;
  return { full: false, projectKey: key ?? null, role: parsed.data };
}

const reportTerms = (projectKey: string): ScopeTerms | null =>
  ProjectKey.safeParse(projectKey).success ? { full: false, projectKey, role: null } : null;

const termsOf = (scopes: readonly string[]): ScopeTerms[] =>
  scopes.map(readScope).filter((terms) => terms !== null);

/** True when the token is not cut down at all. */
export const isFull = (scopes: readonly string[]): boolean => scopes.includes(FULL);

/** The roles that these scopes allow at most in the project of this key. */
export const rolesAllowed = (scopes: readonly string[], projectKey: string): Role[] =>
  termsOf(scopes)
    .filter((terms) => terms.projectKey === null || terms.projectKey === projectKey)
    .map((terms) => terms.role)
    .filter((role) => role !== null);

/** True when these scopes allow to report in the project of this key, whatever else they allow. */
export const reportAllowed = (scopes: readonly string[], projectKey: string): boolean =>
  termsOf(scopes).some(
    (terms) => terms.role === null && (terms.projectKey === null || terms.projectKey === projectKey),
  );

/** True when whatever `wanted` allows is allowed by one of `held` too. */
export function covers(held: readonly string[], wanted: string): boolean {
  const want = readScope(wanted);
  if (want === null) return false;
  return termsOf(held).some(
    (have) =>
      have.full ||
      (!want.full &&
        coversRole(have.role, want.role) &&
        (have.projectKey === null || have.projectKey === want.projectKey)),
  );
}

/** A releaser may report; whoever may only report has no role. */
const coversRole = (have: Role | null, want: Role | null): boolean =>
  want === null ? have === null || includes(have, "releaser") : includes(have, want);

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
