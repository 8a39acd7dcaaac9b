import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { TOKEN_OWNER } from "./create-registry-token.ts";
import { REGISTRY_TOKEN_PREFIX, RegistryToken } from "./registry-token.ts";

/** What a registry token holds. The api token in it is still to be authenticated. Throws UNAUTHENTICATED. */
export function openRegistryToken(ctx: Context, text: string): RegistryToken {
  const token = unseal(ctx, text);
  if (token.expiresAt <= ctx.now().getTime())
    throw new DomainError("UNAUTHENTICATED", "The registry token has expired");
  return token;
}

function unseal(ctx: Context, text: string): RegistryToken {
  const sealed = Buffer.from(text.slice(REGISTRY_TOKEN_PREFIX.length), "base64url").toString();
  try {
    return RegistryToken.parse(JSON.parse(ctx.secrets.open(sealed, TOKEN_OWNER)));
  } catch (cause) {
    ctx.log.debug({ err: cause }, "a registry token did not open");
    throw new DomainError("UNAUTHENTICATED", "The registry token is not one of this server's");
  }
}
