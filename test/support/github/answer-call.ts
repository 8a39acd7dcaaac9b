import { createHash } from "node:crypto";
import type { IncomingMessage } from "node:http";
import { admit, type Caller, namedPath, refuseCaller } from "./admission.ts";
import { answerFault } from "./answer-schemas.ts";
import { type Answer, NOT_FOUND } from "./answers.ts";
import type { Fault } from "./faults.ts";
import { countCall, limitAnswer, type Limits } from "./limits.ts";
import { findRoute, type FoundRoute, RATE_LIMIT } from "./routes.ts";
import type { World } from "./world.ts";

/** Below what all addresses of the API stand, as on a server of one's own. */
export const PREFIX = "/api/v3";

/** One call as this GitHub saw it. */
export interface GithubCall {
  /** `METHOD /path?query`, without `/api/v3`. */
  readonly line: string;
  readonly headers: IncomingMessage["headers"];
  /** JSON that was read. */
  body: unknown;
  /** What was answered, or would have been; null for a call that was dropped. */
  status: number | null;
}

/** What serving needs. */
export interface Desk {
  readonly world: World;
  readonly limits: Limits;
  readonly takeFault: (line: string) => Fault | null;
  readonly note: (call: GithubCall) => void;
  /** Fails the test. */
  readonly complain: (problem: string) => void;
}

/** What GitHub answers to a call with a route, before any fault. */
async function answerAt(desk: Desk, call: GithubCall, found: FoundRoute, caller: Caller): Promise<Answer> {
  const { world, limits } = desk;
  const unserved = refuseCaller(world, caller);
  if (found.route === RATE_LIMIT) return unserved ?? limitAnswer(limits);
  const refused = unserved ?? countCall(limits, caller.method);
  const admitted = refused ?? admit(world, caller);
  if ("status" in admitted) return admitted;
  const { parts, url } = found;
  const { version } = caller;
  return await found.handle(world, { repository: admitted, parts, url, body: call.body, version });
}

/** What GitHub answers, before any fault; held against its own description. */
export async function answerCall(desk: Desk, call: GithubCall): Promise<Answer> {
  const [method = "", target = ""] = call.line.split(" ");
  const url = new URL(`${desk.world.base}${PREFIX}${target}`);
  const path = namedPath(desk.world, url.pathname.slice(PREFIX.length));
  const found = findRoute(method, path, url);
  if (!found) {
    desk.complain(`unexpected call: ${call.line}`);
    return NOT_FOUND;
  }
  const { owner = "", repo = "" } = found.parts;
  const version = String(call.headers["x-github-api-version"] ?? "2022-11-28");
  const answer = await answerAt(desk, call, found, {
    method,
    authorization: call.headers.authorization,
    version,
    repository: `${owner}/${repo}`,
    rest: path.slice(`/repos/${owner}/${repo}`.length),
  });
  const wrong = answerFault(found.route, answer.status, answer.body);
  if (wrong !== null) desk.complain(`an answer that GitHub would not give: ${wrong}`);
  return unchanged(call, deprecated(found.route, version, answer), desk.limits);
}

/** GitHub marks the dispatch of the older version as deprecated on every call. */
function deprecated(route: string, version: string, answer: Answer): Answer {
  if (!route.endsWith("/dispatches") || version !== "2022-11-28") return answer;
  const headers = { deprecation: "Tue, 10 Mar 2026 00:00:00 GMT", sunset: "Fri, 10 Mar 2028 00:00:00 GMT" };
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

/** An answer that has not changed since the caller read it costs nothing of the limit. */
function unchanged(call: GithubCall, answer: Answer, limits: Limits): Answer {
  if (!call.line.startsWith("GET ") || answer.status !== 200) return answer;
  const etag = `W/"${createHash("sha256").update(JSON.stringify(answer.body)).digest("hex")}"`;
  const headers = { ...answer.headers, etag };
  if (call.headers["if-none-match"] !== etag) return { ...answer, headers };
  limits.remaining += 1;
  return { status: 304, headers };
}
