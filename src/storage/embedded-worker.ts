import { parentPort, receiveMessageOnPort, workerData } from "node:worker_threads";
import { answerAll } from "./embedded-answers.ts";
import { type EmbeddedFile, openEmbeddedFile } from "./embedded-file.ts";
import {
  failureOf,
  type Outcome,
  READY,
  type WorkerReply,
  type WorkerRequest,
  type WorkerRole,
} from "./embedded-protocol.ts";

// The thread in which SQLite runs: its calls are synchronous, and the event loop must stay free.
const port = parentPort;
if (!port) throw new Error("embedded-worker.ts runs as a worker thread only");

const reply = (replies: readonly WorkerReply[]): void => port.postMessage(replies);
const sayReady = (outcome: Outcome<null>): void => reply([{ id: READY, outcome }]);

/** With writes goes what came while the last commit was under way. */
function withArrived(requests: readonly WorkerRequest[]): readonly WorkerRequest[] {
  if (requests[0]?.kind !== "write") return requests;
  const all = [...requests];
  for (let next = received(); next; next = received()) all.push(...next);
  return all;
}

const received = (): readonly WorkerRequest[] | undefined =>
  (receiveMessageOnPort(port) as { readonly message: readonly WorkerRequest[] } | undefined)?.message;

function serve(file: EmbeddedFile): void {
  port?.on("message", (requests: readonly WorkerRequest[]) => {
    const all = withArrived(requests);
    answerAll(file, all, reply);
    if (all.some(({ kind }) => kind === "close")) port.close();
  });
  sayReady({ value: null });
}

try {
  serve(openEmbeddedFile(workerData as WorkerRole));
} catch (error) {
  sayReady({ failure: failureOf(error) });
}
