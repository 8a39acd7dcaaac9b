import * as z from "zod";
import { ExternalSystemError } from "../../../kernel/errors.ts";
import { type HttpRules, replyError } from "../../http-client.ts";
import { printable } from "../../printable.ts";
import { momentIn, retryAfterMillis } from "../../retry-after.ts";
import { statusWords } from "../../status-words.ts";

/** An answer of GitHub's; any status is one. */
export interface GithubReply {
  readonly status: number;
  header(name: string): string | null;
  /** JSON that was read, or a text. */
  readonly data: unknown;
}

/** `errors` holds texts or objects, by endpoint. */
const Refusal = z.object({
  message: z.string().min(1),
  errors: z
    .array(z.union([z.string(), z.object({ message: z.string() }).transform(({ message }) => message)]))
    .catch([]),
});

/** GitHub asks for at least a minute where it does not say how long. */
const DEFAULT_WAIT_MILLIS = 60_000;

/** GitHub's own text, as one line without secrets; the status where it has none. */
export function githubWords(reply: GithubReply, secrets: readonly string[]): string {
  const refusal = Refusal.safeParse(reply.data);
  const words = refusal.success ? [refusal.data.message, ...refusal.data.errors].join("; ") : "";
  return printable(words || statusWords(reply.status), secrets);
}

const isLimit = (reply: GithubReply): boolean =>
  reply.status === 429 ||
  (reply.status === 403 &&
    (reply.header("retry-after") !== null ||
      reply.header("x-ratelimit-remaining") === "0" ||
      /rate limit|abuse detection/i.test(githubWords(reply, []))));

/** How long an answer that is a rate limit asks to wait, in milliseconds; null for every other answer. */
export function limitMillis(reply: GithubReply, now: Date): number | null {
  if (!isLimit(reply)) return null;
  const asked = retryAfterMillis(reply.header("retry-after"), now);
  if (asked !== null) return asked;
  const reset = Number(reply.header("x-ratelimit-reset") ?? Number.NaN) * 1000;
  if (reply.header("x-ratelimit-remaining") !== "0" || Number.isNaN(reset)) return DEFAULT_WAIT_MILLIS;
  // Both moments by the server's clock.
  const theirs = Date.parse(reply.header("date") ?? "");
  return Math.max(1000, reset - (Number.isNaN(theirs) ? now.getTime() : theirs));
}

/** The error that an answer is. A rate limit passes; so may most of 5xx. */
export function githubError(rules: HttpRules, reply: GithubReply, message: string): ExternalSystemError {
  const wait = limitMillis(reply, new Date());
  if (wait === null) return replyError(rules, reply, message);
  return new ExternalSystemError(`${message}; it may be asked again at ${momentIn(wait)}`, {
    system: rules.system,
    status: reply.status,
    retryable: true,
    retryAfterMillis: wait,
  });
}
