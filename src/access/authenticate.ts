import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { listProjectKeys } from "../projects/project-store.ts";
import type { Database } from "../storage/database.ts";
import { type Actor, SYSTEM } from "./actor.ts";
import { type ApiToken, isFull, isLive, readTokenText, reportAllowed, rolesAllowed } from "./api-token.ts";
import { type Credential, findCredential, markUsed } from "./api-token-store.ts";
import { greatestRole, type HeldRole, includes, lesserRole } from "./role.ts";
import { hashSecret, matchesHash } from "./secret-hash.ts";

/** The name of whoever shows HEADGATE_ADMIN_TOKEN. */
const ADMIN = "admin";
const USE_NOTED_EVERY_MILLIS = 60_000;

/** Where a request came from. */
export type RequestOrigin = Pick<Actor, "address" | "requestId">;

/** Who shows this token. Nothing is remembered between calls, so a revocation counts at once. Throws UNAUTHENTICATED. */
export type Authenticate = (ctx: Context, text: string | null, origin: RequestOrigin) => Promise<Actor>;

/** The installation's way to tell who calls. `adminToken` is HEADGATE_ADMIN_TOKEN: compared first, in constant time. */
export function createAuthenticator(settings: { readonly adminToken: string | null }): Authenticate {
  const adminHash = settings.adminToken === null ? null : hashSecret(settings.adminToken);
  return async (ctx, text, { address, requestId }) => {
    if (text === null || text === "") throw new DomainError("UNAUTHENTICATED");
    if (adminHash !== null && matchesHash(text, adminHash))
      return { ...SYSTEM, name: ADMIN, address, requestId };
    const credential = await findBelieved(ctx, text);
    const { token } = credential;
    await noteUse(ctx, token);
    return {
      name: token.userName,
      userId: token.userId,
      tokenId: token.id,
      ...(await rightsOf(ctx.db, credential)),
      address,
      requestId,
    };
  };
}

async function findBelieved(ctx: Context, text: string): Promise<Credential> {
  const parts = readTokenText(text);
  const credential = parts && (await findCredential(ctx.db, parts.id));
  if (
    !credential ||
    !matchesHash(parts.secret, credential.secretHash) ||
    !isLive(credential.token, ctx.now()) ||
    credential.user.disabled
  )
    throw new DomainError("UNAUTHENTICATED", "The token is unknown, revoked or expired");
  return credential;
}

async function noteUse(ctx: Context, token: ApiToken): Promise<void> {
  const now = ctx.now();
  if (token.lastUsedAt === null || now.getTime() - token.lastUsedAt.getTime() >= USE_NOTED_EVERY_MILLIS)
    await markUsed(ctx.db, token.id, now);
}

/** What the user may do, cut down to what the token's scopes allow. */
async function rightsOf(
  db: Database,
  { token, user: { systemAdmin }, roles }: Credential,
): Promise<Pick<Actor, "systemAdmin" | "roles" | "reportsIn">> {
  if (systemAdmin && isFull(token.scopes)) return { systemAdmin: true, roles: {}, reportsIn: [] };
  const held = systemAdmin ? await adminEverywhere(db) : roles;
  const cut = held.flatMap(({ projectId, projectKey, role }) => {
    const allowed = lesserRole(role, greatestRole(rolesAllowed(token.scopes, projectKey)));
    return allowed === null ? [] : [[projectId, allowed] as const];
  });
  const reportsIn = held
    .filter(({ projectKey, role }) => includes(role, "releaser") && reportAllowed(token.scopes, projectKey))
    .map(({ projectId }) => projectId);
  return { systemAdmin: false, roles: Object.fromEntries(cut), reportsIn };
}

const adminEverywhere = async (db: Database): Promise<HeldRole[]> =>
  (await listProjectKeys(db)).map(({ id, key }) => ({ projectId: id, projectKey: key, role: "admin" }));
