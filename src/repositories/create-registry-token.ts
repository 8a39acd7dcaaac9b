import type { Context } from "../context.ts";
import {
  REGISTRY_TOKEN_LIFETIME_SECONDS,
  REGISTRY_TOKEN_PREFIX,
  type RegistryAccess,
  type RegistryToken,
} from "./registry-token.ts";

/** A token's text, and until when it is good. */
export interface NewRegistryToken {
  readonly text: string;
  readonly issuedAt: Date;
}

/** Every registry token is sealed for this owner. */
export const TOKEN_OWNER = "registry token";

/**
 * Makes a registry token of 5 minutes out of an api token that the caller has authenticated. What its user may
 * do is decided when it is used; it never allows more than the api token.
 */
export function createRegistryToken(
  ctx: Context,
  input: { readonly apiToken: string; readonly access: RegistryAccess },
): NewRegistryToken {
  const issuedAt = ctx.now();
  const expiresAt = issuedAt.getTime() + REGISTRY_TOKEN_LIFETIME_SECONDS * 1000;
  const token: RegistryToken = { ...input, expiresAt };
  const sealed = ctx.secrets.seal(JSON.stringify(token), TOKEN_OWNER);
  return { text: REGISTRY_TOKEN_PREFIX + Buffer.from(sealed).toString("base64url"), issuedAt };
}
