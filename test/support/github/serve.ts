import type { IncomingMessage, ServerResponse } from "node:http";
import { answerCall, type Desk, type GithubCall, PREFIX } from "./answer-call.ts";
import type { Answer } from "./answers.ts";
import type { Fault } from "./faults.ts";
import { limitHeaders } from "./limits.ts";

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === "" ? {} : (JSON.parse(text) as unknown);
}

/** Writes an answer out; `cut`: half of it. */
function write(response: ServerResponse, answer: Answer, cut: boolean): void {
  const text = answer.body === undefined ? "" : JSON.stringify(answer.body);
  const json = {
    "content-type": "application/json; charset=utf-8",
    "content-length": String(Buffer.byteLength(text)),
  };
  response.writeHead(answer.status, { ...(text !== "" && json), ...answer.headers });
  if (!cut) return void response.end(text);
  response.write(text.slice(0, text.length / 2), () => response.socket?.resetAndDestroy());
}

/** The answer of somebody who stands before GitHub. */
function writeOther(response: ServerResponse, fault: Extract<Fault, { readonly status: number }>): void {
  response.writeHead(fault.status, { "content-type": "text/html", ...fault.headers }).end(fault.body);
}

/** Does what was asked, and answers as the fault says. */
async function carryOut(
  desk: Desk,
  call: GithubCall,
  fault: Fault | null,
  response: ServerResponse,
): Promise<void> {
  const answer = await answerCall(desk, call);
  call.status = answer.status;
  if (fault?.kind === "withhold") return;
  if (fault?.kind === "instead") return writeOther(response, fault);
  const common = { ...limitHeaders(desk.limits), "x-github-request-id": "0000:0000:0000" };
  write(response, { ...answer, headers: { ...common, ...answer.headers } }, fault?.kind === "cut");
}

/** Serves one call, with the fault that a test wants. */
export async function serve(desk: Desk, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const line = `${request.method} ${(request.url ?? "").replace(PREFIX, "")}`;
  const call: GithubCall = { line, headers: request.headers, body: null, status: null };
  desk.note(call);
  const fault = desk.takeFault(line);
  if (fault?.kind === "drop") return void request.socket.resetAndDestroy();
  call.body = await bodyOf(request);
  if (fault?.kind === "swallow") return;
  if (fault?.kind === "until") await fault.promise;
  if (fault?.kind !== "refuse") return await carryOut(desk, call, fault, response);
  call.status = fault.status;
  writeOther(response, fault);
}
