import { ExternalSystemError } from "../../../kernel/errors.ts";
import { connectionFailure } from "../../connection-failure.ts";
import { statusWords } from "../../status-words.ts";
import type { SourceTarget } from "../source-host.ts";

/** What a fetch that failed tells. `odd`: nothing that hosts are known to cause, so the mirror itself is suspect. */
export type FetchFailure =
  | { readonly kind: "no_repository"; readonly text: string }
  | { readonly kind: "failed"; readonly error: ExternalSystemError }
  /** The repository names its objects by another hash than the mirror does. */
  | { readonly kind: "other_hash" }
  | { readonly kind: "filter_refused" }
  | { readonly kind: "odd"; readonly error: ExternalSystemError };

const REFUSED = /Authentication failed|could not read (?:Username|Password)|returned error: 40[13]\b/;
const MISSING =
  /repository '.*' not found|returned error: (?:404|410)\b|not valid: is this a git repository|remote error: .*(?:not found|no such|denied|not exported)/i;
const STATUS = /returned error: (\d{3})\b/;
const CERTIFICATE = /certificate/i;
const CUT =
  /RPC failed|early EOF|hung up|unexpected disconnect|transfer closed|Empty reply|Recv failure|Send failure|Connection (?:reset|timed out)|gnutls_handshake|TLS connection|SSL_|Failed to connect|Operation too slow|expected flush|bad line length|invalid index-pack output|HTTP code \d+ from proxy/i;
const PASSING_STATUSES = new Set([408, 425, 429]);
const LASTING_STATUSES = new Set([501, 505, 507]);

/** Git's own last words, without what surrounds them. */
const lastWords = (stderr: string): string => {
  const lines = stderr.split("\n").filter((line) => line.trim() !== "");
  const fatal =
    lines.findLast((line) => line.startsWith("fatal:")) ?? lines.at(-1) ?? "git ended without a word";
  return fatal.replace(/^(?:fatal|error): /, "").slice(0, 300);
};

function statusFailure(target: SourceTarget, status: number): FetchFailure {
  const redirected = status >= 300 && status < 400;
  const what = redirected ? "it redirects, and redirects are not followed" : statusWords(status);
  return failed(target, `reading from ${target.url.host}: ${what}`, {
    status,
    retryable: PASSING_STATUSES.has(status) || (status >= 500 && !LASTING_STATUSES.has(status)),
  });
}

function failed(
  { name }: SourceTarget,
  message: string,
  facts: { readonly retryable: boolean; readonly status?: number; readonly cause?: unknown },
): FetchFailure {
  return { kind: "failed", error: new ExternalSystemError(message, { system: name, ...facts }) };
}

function noRepository({ url }: SourceTarget, reason: string): FetchFailure {
  return { kind: "no_repository", text: `${url.host} has no repository ${url.pathname.slice(1)}: ${reason}` };
}

function refusedSignIn({ url, credentials }: SourceTarget): FetchFailure {
  const who = credentials
    ? "the sign-in of this connection was refused"
    : "it cannot be read without a sign-in";
  return { kind: "no_repository", text: `${url.host} does not show ${url.pathname.slice(1)}: ${who}` };
}

/** Reads why a fetch failed, from what the proxy met and what git said. */
export function readFetchFailure(target: SourceTarget, stderr: string, proxyFailure: unknown): FetchFailure {
  const { host } = target.url;
  const met = connectionFailure(proxyFailure);
  if (met) {
    const { doing, words, retryable } = met;
    return failed(target, `${doing} ${host}: ${words}`, { retryable, cause: proxyFailure });
  }
  if (/mismatched algorithms/.test(stderr)) return { kind: "other_hash" };
  if (/filter '.*' not supported/.test(stderr)) return { kind: "filter_refused" };
  if (REFUSED.test(stderr)) return refusedSignIn(target);
  if (MISSING.test(stderr)) return noRepository(target, "there is none, or this connection may not read it");
  const status = STATUS.exec(stderr)?.[1];
  if (status !== undefined) return statusFailure(target, Number(status));
  if (CERTIFICATE.test(stderr))
    return failed(target, `connecting to ${host}: the certificate is not trusted`, { retryable: false });
  const words = `reading from ${host}: ${lastWords(stderr)}`;
  if (CUT.test(stderr)) return failed(target, words, { retryable: true });
  return { kind: "odd", error: new ExternalSystemError(words, { system: target.name, retryable: false }) };
}
