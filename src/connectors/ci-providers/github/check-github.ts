import * as z from "zod";
import type { GithubCheck, GithubTarget } from "../ci-provider.ts";
import type { GithubSession } from "./github-session.ts";

/** Every caller may read it, and it costs nothing of what it tells of (REST documentation, "Rate limits"). */
const RATE_LIMIT = "GET /rate_limit";
const RateLimit = z.object({ rate: z.object({ limit: z.int(), remaining: z.int() }) });

/** Signs in: a wrong token is a 401, also where limits are switched off. Throws ExternalSystemError. */
export async function checkGithub(
  github: GithubSession,
  { host, token }: GithubTarget,
  signal?: AbortSignal,
): Promise<GithubCheck> {
  const reply = await github.call(RATE_LIMIT, {}, { signal });
  const authenticated = token !== null;
  const taken = authenticated ? "It takes the token" : "There is no token, so nothing can be started there";
  const limits = RateLimit.safeParse(reply.data);
  if (reply.status === 200 && limits.success) {
    const { limit, remaining } = limits.data.rate;
    return { authenticated, message: `${taken}; ${remaining} of ${limit} calls are left in this hour` };
  }
  // A server of one's own where nobody limits anything.
  if (reply.status === 404 && /rate limit/i.test(github.words(reply)))
    return { authenticated, message: `${taken}; it limits no calls` };
  if (reply.status === 200 || reply.status === 404)
    return {
      authenticated: false,
      message: `${host} answers ${github.api}/rate_limit with HTTP ${reply.status}: it does not seem to be a GitHub`,
    };
  throw github.refusal(reply, "signing in");
}
