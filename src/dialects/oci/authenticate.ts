import type { FastifyRequest } from "fastify";
import type { Authenticate } from "../../access/authenticate.ts";
import type { Context } from "../../context.ts";
import { openRegistryToken } from "../../repositories/open-registry-token.ts";
import {
  allows,
  REGISTRY_TOKEN_PREFIX,
  type RegistryAccess,
  type RegistryAction,
} from "../../repositories/registry-token.ts";
import { RepositoryName } from "../../repositories/repository.ts";
import { OciError } from "./errors.ts";
import { readTarget, type Target } from "./target.ts";
import { SERVICE } from "./wire.ts";

/** Who calls, and what the token shown is cut down to; null: nothing. */
export interface Caller {
  readonly ctx: Context;
  readonly access: RegistryAccess | null;
}

/** The password of a Basic header, whatever the user name; the text of a Bearer header; null when neither. */
export function readCredential(header: string | undefined): string | null {
  const [, scheme = "", value = ""] = /^(Basic|Bearer) +(\S+)$/i.exec(header ?? "") ?? [];
  if (scheme.toLowerCase() !== "basic") return value === "" ? null : value;
  const text = Buffer.from(value, "base64").toString();
  const colon = text.indexOf(":");
  return colon < 0 ? null : text.slice(colon + 1);
}

/** A request's own context. Throws UNAUTHENTICATED. */
export async function identify(
  ctx: Context,
  authenticate: Authenticate,
  request: FastifyRequest,
  credential: string | null,
): Promise<Caller> {
  const origin = { address: request.ip, requestId: request.id };
  if (!credential?.startsWith(REGISTRY_TOKEN_PREFIX))
    return { ctx: { ...ctx, actor: await authenticate(ctx, credential, origin) }, access: null };
  const { apiToken, access } = openRegistryToken(ctx, credential);
  return { ctx: { ...ctx, actor: await authenticate(ctx, apiToken, origin) }, access };
}

/** The scope that a token needs for this, as a client asks for it; null where it is nothing particular. */
function scopeFor(target: Target | null, method: string): string | null {
  if (target?.kind === "catalog") return "registry:catalog:*";
  if (!target || !("repository" in target) || !RepositoryName.safeParse(target.repository).success)
    return null;
  const { repository, kind } = target;
  if (method === "DELETE" && kind !== "upload") return `repository:${repository}:delete`;
  const pulls = kind !== "upload" && kind !== "uploads" && (method === "GET" || method === "HEAD");
  return `repository:${repository}:${pulls ? "pull" : "pull,push"}`;
}

/** Tells a client where to get a token, and for what (distribution token specification, "Challenge"). */
export function challenge(publicUrl: string, request: FastifyRequest, error: unknown): string {
  const target = readTarget(request.url);
  if (target?.kind === "token") return 'Basic realm="headgate"';
  const scope = scopeFor(target, request.method);
  const shown = request.headers.authorization !== undefined;
  const problem = error instanceof OciError ? "insufficient_scope" : "invalid_token";
  const parts = [
    `realm="${publicUrl.replace(/\/$/, "")}/v2/token"`,
    `service="${SERVICE}"`,
    ...(scope === null ? [] : [`scope="${scope}"`]),
    ...(shown ? [`error="${problem}"`] : []),
  ];
  return `Bearer ${parts.join(",")}`;
}

/** Whether a token cut down to this access is good for the action. Null: not cut down. */
export function isCovered(
  access: RegistryAccess | null,
  target: Target,
  needs: RegistryAction | "catalog" | null,
): boolean {
  if (access === null || needs === null) return true;
  if (needs === "catalog") return access.catalog;
  return "repository" in target && allows(access, target.repository, needs);
}
