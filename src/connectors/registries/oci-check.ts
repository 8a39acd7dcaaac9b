import { ExternalSystemError } from "../../kernel/errors.ts";
import type { RegistrySession } from "./oci-session.ts";
import type { RegistryCheck } from "./registry.ts";

function signInWords(session: RegistrySession): string {
  const { credentials } = session.settings;
  if (!session.challenged()) return "The registry is open: it asks for no sign-in";
  return credentials ? `Signed in as ${credentials.username}` : "The registry lets anonymous callers in";
}

/** Tries the connection, even when its host is held back: is there a registry, does it take the credentials, where do its tokens come from. */
export async function checkRegistry(session: RegistrySession, signal?: AbortSignal): Promise<RegistryCheck> {
  const { origin } = session;
  try {
    const reply = await session.call({ method: "GET", url: "/v2/", scopes: [], anyway: true, signal });
    if (reply.status === 200) {
      await reply.discard();
      const message = signInWords(session);
      return { reachable: true, authenticated: true, tokenHost: session.tokenHost(), message };
    }
    if (reply.status === 401 || reply.status === 403) throw await session.refusal(reply, "signing in");
    await reply.discard();
    const message = `${origin.host} answers /v2/ with HTTP ${reply.status}: it does not seem to be a registry`;
    return { reachable: true, authenticated: false, tokenHost: null, message };
  } catch (error) {
    if (!(error instanceof ExternalSystemError)) throw error;
    const tokenHost = session.tokenHost();
    const reachable = error.status !== null || tokenHost !== null;
    return { reachable, authenticated: false, tokenHost, message: error.message };
  }
}
