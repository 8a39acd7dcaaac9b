import { isDigest } from "../../kernel/digest.ts";
import { DomainError } from "../../kernel/errors.ts";
import { isRepositoryName, isTag } from "../../kernel/image-reference.ts";
import {
  type HttpClient,
  type HttpRequest,
  type HttpRules,
  replyError,
  systemError,
} from "../http-client.ts";
import type { HttpReply } from "../http-reply.ts";
import { type RetryRule, withRetries } from "../retry.ts";
import { type Authorizer, createAuthorizer } from "./oci-auth.ts";
import type { RegistrySettings } from "./registry.ts";
import { replyWords } from "./reply-words.ts";

/** One request to a registry. */
export interface RegistryCall extends Omit<HttpRequest, "url" | "rules"> {
  /** A path of the registry, or a full address that it gave us. */
  readonly url: string | URL;
  /** What a token must allow for it. */
  readonly scopes: readonly string[];
}

/** One registry as the rest of this folder speaks to it: with authentication, and with its errors in words. */
export interface RegistrySession {
  readonly settings: RegistrySettings;
  readonly origin: URL;
  readonly rules: HttpRules;
  /**
   * Sends the call and, after a 401, once more with a fresh token. A streamed body cannot be sent twice: then the
   * 401 is the answer, and the next call has the fresh token. Credentials go to the registry's own origin only.
   */
  call(call: RegistryCall): Promise<HttpReply>;
  /** The error that this answer is; `doing` says what was tried. Takes the body. */
  refusal(reply: HttpReply, doing: string): Promise<Error>;
  /** An answer that breaks a promise or the protocol. */
  fault(doing: string, words: string, facts?: { retryable?: boolean; status?: number }): Error;
  /** Does idempotent work again while it fails in a way that may pass. */
  retrying<T>(signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>;
  /** How the registry wants to be asked, for the one place that writes its requests itself: the blob pipe. */
  readonly auth: Authorizer;
  /** Where tokens come from when that is not the registry itself, as far as it has told. */
  tokenHost(): string | null;
  /** Whether the registry has asked for a sign-in at all. */
  challenged(): boolean;
}

/** Docker Hub's registry does not live under the name that references carry. */
const DOCKER_HUB_API = "registry-1.docker.io";

export const originOf = ({ host, plainHttp }: RegistrySettings): URL =>
  new URL(`${plainHttp ? "http" : "https"}://${host === "docker.io" ? DOCKER_HUB_API : host}`);

/** The path of a repository's part. Throws INPUT_INVALID for what is not a repository name. */
export function repositoryPath(repository: string, rest: string): string {
  if (!isRepositoryName(repository))
    throw new DomainError("INPUT_INVALID", `"${repository}" is not a repository name`);
  return `/v2/${repository}/${rest}`;
}

/** Throws INPUT_INVALID for what is neither tag nor digest. */
export function manifestPath(repository: string, reference: string): string {
  if (!isTag(reference) && !isDigest(reference))
    throw new DomainError("INPUT_INVALID", `"${reference}" is neither a tag nor a digest`);
  return repositoryPath(repository, `manifests/${reference}`);
}

const isStream = (body: HttpRequest["body"]): boolean =>
  body !== undefined && typeof body !== "string" && !(body instanceof Uint8Array);

/** Opens the conversation with one registry; nothing is sent yet. */
export function openSession(http: HttpClient, settings: RegistrySettings, retry: RetryRule): RegistrySession {
  const origin = originOf(settings);
  const rules = {
    system: settings.name,
    allowPrivate: settings.allowPrivate,
    plainHttp: settings.plainHttp,
    caPem: settings.caPem,
  };
  const auth = createAuthorizer({ http, rules, settings, origin });

  async function call({ url, scopes, ...rest }: RegistryCall): Promise<HttpReply> {
    const address = new URL(url, origin);
    const ours = address.origin === origin.origin;
    const send = (authorization: string | null): Promise<HttpReply> =>
      http.send({
        ...rest,
        url: address,
        rules,
        headers: authorization === null ? (rest.headers ?? {}) : { ...rest.headers, authorization },
      });
    if (!ours) return send(null);
    const sent = await auth.authorize(scopes);
    const reply = await send(sent);
    if (reply.status !== 401 || reply.url.origin !== origin.origin) return reply;
    const wider = auth.learn(reply.header("www-authenticate"), sent, scopes);
    if (wider === null || isStream(rest.body)) return reply;
    await reply.discard();
    return send(await auth.authorize(wider));
  }

  return {
    settings,
    origin,
    rules,
    auth,
    call,
    refusal: async (reply, doing) =>
      replyError(rules, reply, `${doing} at ${reply.url.host}: ${await replyWords(reply, auth.secrets())}`),
    fault: (doing, words, facts) => systemError(rules, `${doing} at ${origin.host}: ${words}`, facts),
    retrying: (signal, work) => withRetries(retry, signal, work, () => http.traffic.retry(origin.host)),
    tokenHost: () => auth.tokenHost(),
    challenged: () => auth.challenged(),
  };
}
