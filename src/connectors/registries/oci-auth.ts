import { type HttpClient, type HttpRules, systemError } from "../http-client.ts";
import { type Challenge, parseChallenges } from "./challenge.ts";
import { basicAuthorization, fetchToken } from "./fetch-token.ts";
import type { RegistrySettings } from "./registry.ts";
import { mergeScopes } from "./scopes.ts";
import { createTokenCache } from "./token-cache.ts";

/** Knows how one registry wants to be asked. */
export interface Authorizer {
  /** The Authorization header for these scopes; null while the registry has not asked for any. */
  authorize(scopes: readonly string[]): Promise<string | null>;
  /** Learns from a 401. The scopes to try again with; null when another try would be the same. */
  learn(
    challengeHeader: string | null,
    sent: string | null,
    scopes: readonly string[],
  ): readonly string[] | null;
  /** Where tokens come from when that is not the registry itself; null before a Bearer challenge. */
  tokenHost(): string | null;
  /** Whether the registry has asked for authorization at all. */
  challenged(): boolean;
  /** Everything that must not appear in a message. */
  secrets(): readonly string[];
}

/** The schemes we speak, the better first. */
function chooseChallenge(header: string | null): Challenge | null {
  const offered = parseChallenges(header ?? "");
  const find = (scheme: string): Challenge | undefined => offered.find((one) => one.scheme === scheme);
  return find("bearer") ?? find("basic") ?? null;
}

export interface AuthorizerParts {
  readonly http: HttpClient;
  readonly rules: HttpRules;
  readonly settings: RegistrySettings;
  readonly origin: URL;
}

function realmOf({ rules, origin }: AuthorizerParts, challenge: Challenge): URL {
  const realm = challenge.params["realm"] ?? "";
  if (URL.canParse(realm)) return new URL(realm);
  throw systemError(rules, `asking ${origin.host} how to sign in: its token realm is not an address`);
}

/** Makes the authorizer of one registry. Tokens are kept per scope set. */
export function createAuthorizer(parts: AuthorizerParts): Authorizer {
  const { http, rules, settings, origin } = parts;
  const { credentials } = settings;
  const tokens = createTokenCache();
  let challenge: Challenge | null = null;

  const hostOf = (host: string): string => {
    const text = `${origin.protocol}//${host}`;
    return URL.canParse(text) ? new URL(text).host : host;
  };
  const ownHosts = new Set([origin.host, hostOf(settings.host)]);
  const confirmedHosts = new Set(settings.tokenHosts.map(hostOf));
  const basic = credentials ? basicAuthorization(credentials) : null;
  const secrets = (): readonly string[] => [
    ...(credentials ? [credentials.password] : []),
    ...(basic ? [basic.slice("Basic ".length)] : []),
    ...tokens.values(),
  ];

  function requireConfirmed(realm: URL): void {
    if (!credentials || ownHosts.has(realm.host) || confirmedHosts.has(realm.host)) return;
    throw systemError(
      rules,
      `${origin.host} wants the credentials to be shown to ${realm.host}, which nobody has confirmed: ` +
        `an admin can confirm this token host with "test connection"`,
    );
  }

  async function bearer(of: Challenge, wanted: readonly string[]): Promise<string> {
    const realm = realmOf(parts, of);
    requireConfirmed(realm);
    const service = of.params["service"] ?? null;
    const scopes = mergeScopes(wanted);
    const question = { realm, service, scopes, credentials, secrets: secrets() };
    const key = JSON.stringify([realm.href, service, scopes]);
    return `Bearer ${await tokens.get(key, () => fetchToken(http, rules, question))}`;
  }

  return {
    authorize: async (scopes) => {
      if (challenge?.scheme === "bearer") return await bearer(challenge, scopes);
      return challenge?.scheme === "basic" ? basic : null;
    },
    learn: (header, sent, scopes) => {
      const learnt = chooseChallenge(header);
      if (!learnt) return null;
      challenge = learnt;
      if (learnt.scheme === "basic") return basic !== null && sent !== basic ? scopes : null;
      if (sent?.startsWith("Bearer ")) tokens.forget(sent.slice("Bearer ".length));
      const more = (learnt.params["scope"] ?? "").split(" ").filter(Boolean);
      return mergeScopes([...scopes, ...more]);
    },
    tokenHost: () => {
      const realm = challenge?.params["realm"] ?? "";
      if (challenge?.scheme !== "bearer" || !URL.canParse(realm)) return null;
      const { host } = new URL(realm);
      return ownHosts.has(host) ? null : host;
    },
    challenged: () => challenge !== null,
    secrets,
  };
}
