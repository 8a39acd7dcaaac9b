import * as z from "zod";
import type { ExternalSystemError } from "../../../kernel/errors.ts";
import { type HttpClient, systemError } from "../../http-client.ts";
import type { GithubTarget } from "../ci-provider.ts";
import { fetchThrough } from "./fetch-through.ts";
import type { GithubMemory } from "./github-memory.ts";
import { githubError, type GithubReply, githubWords } from "./github-replies.ts";

/** What goes with a call besides its parameters. */
export interface CallOptions {
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal | undefined;
}

/** One GitHub as this folder speaks to it. */
export interface GithubSession {
  /** Where its API begins. */
  readonly api: string;
  readonly memory: GithubMemory;
  /** `METHOD /path/{name}` with its parameters; the others go into query or body. Any status is an answer. */
  call(route: string, parameters: Record<string, unknown>, options?: CallOptions): Promise<GithubReply>;
  /** GitHub's own text, as one line without secrets. */
  words(reply: GithubReply): string;
  /** The error that an answer is; `doing` says what was tried. */
  refusal(reply: GithubReply, doing: string): ExternalSystemError;
  /** An answer that is not what GitHub promises. */
  fault(doing: string, words: string): ExternalSystemError;
}

/**
 * Says what fields mean. Later versions leave out fields of pull requests; this one answers a dispatch with its run only
 * when asked to.
 */
const API_VERSION = "2022-11-28";

const SILENT = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

const Answer = z.object({
  status: z.number(),
  headers: z.record(z.string(), z.unknown()),
  data: z.unknown(),
});
/** The client throws answers of 304 and of 400 and above. */
const Thrown = z.object({ response: Answer });

function toReply({ status, headers, data }: z.infer<typeof Answer>): GithubReply {
  const header = (name: string): string | null => {
    const value = headers[name];
    return typeof value === "string" ? value : null;
  };
  return { status, header, data };
}

/** Where the API of a GitHub begins (REST documentation; `ghe.com`: GitHub Enterprise Cloud with data residency). */
export function apiOf({ host, plainHttp }: Pick<GithubTarget, "host" | "plainHttp">): string {
  const scheme = plainHttp ? "http" : "https";
  if (host === "github.com" || host.endsWith(".ghe.com")) return `${scheme}://api.${host}`;
  return `${scheme}://${host}/api/v3`;
}

/** Opens the conversation with one GitHub; nothing is sent yet. */
export function openGithub(http: HttpClient, target: GithubTarget, memory: GithubMemory): GithubSession {
  const { name: system, allowPrivate, plainHttp, caPem, token } = target;
  const rules = { system, allowPrivate, plainHttp, caPem };
  const api = apiOf(target);
  const { host } = new URL(api);
  const secrets = token === null ? [] : [token];

  // The client is loaded when it is needed first: a program that only serves starts faster without.
  async function openClient() {
    const { Octokit } = await import("@octokit/core");
    return new Octokit({
      baseUrl: api,
      log: SILENT,
      request: { fetch: fetchThrough(http, rules), log: SILENT },
      ...(token !== null && { auth: token }),
    });
  }
  let client: ReturnType<typeof openClient> | undefined;

  return {
    api,
    memory,
    call: async (route, parameters, { headers, signal } = {}) => {
      const octokit = await (client ??= openClient());
      try {
        const reply = await octokit.request(route, {
          ...parameters,
          headers: { ...headers, accept: "application/vnd.github+json", "x-github-api-version": API_VERSION },
          request: signal ? { signal } : {},
        });
        return toReply(Answer.parse(reply));
      } catch (error) {
        const thrown = Thrown.safeParse(error);
        if (thrown.success) return toReply(thrown.data.response);
        throw error instanceof Error && error.cause !== undefined ? error.cause : error;
      }
    },
    words: (reply) => githubWords(reply, secrets),
    refusal: (reply, doing) =>
      githubError(rules, reply, `${doing} at ${host}: ${githubWords(reply, secrets)}`),
    fault: (doing, words) => systemError(rules, `${doing} at ${host}: ${words}`),
  };
}
