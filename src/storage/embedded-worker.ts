import { parentPort, workerData } from "node:worker_threads";
import { runJobs } from "./embedded-jobs.ts";
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

const reply = (message: WorkerReply): void => port.postMessage(message);

function outcomeOf(work: () => unknown): Outcome<unknown> {
  try {
    return { value: work() };
  } catch (error) {
    return { failure: failureOf(error) };
  }
}

function answer(file: EmbeddedFile, request: WorkerRequest): unknown {
  switch (request.kind) {
    case "run":
      return file.run(request.statement);
    case "write":
      return runJobs(file, request.jobs);
    case "rollback":
      return file.rollback();
    case "close":
      return file.close();
  }
}

function serve(file: EmbeddedFile): void {
  port?.on("message", (request: WorkerRequest) => {
    reply({ id: request.id, outcome: outcomeOf(() => answer(file, request)) });
    if (request.kind === "close") port.close();
  });
  reply({ id: READY, outcome: { value: null } });
}

try {
  serve(openEmbeddedFile(workerData as WorkerRole));
} catch (error) {
  reply({ id: READY, outcome: { failure: failureOf(error) } });
}
