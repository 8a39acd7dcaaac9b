import type { EmbeddedFile } from "./embedded-file.ts";
import { BEGIN, COMMIT, runJobs } from "./embedded-jobs.ts";
import { failureOf, type Outcome, type WorkerReply, type WorkerRequest } from "./embedded-protocol.ts";

/** Most jobs in one commit; bounds how long the first of them waits for the last. */
const WRITES_TOGETHER = 500;
/** Most other answers in one message, for the same reason. */
const OTHERS_TOGETHER = 16;

type WriteRequest = Extract<WorkerRequest, { readonly kind: "write" }>;
type OtherRequest = Exclude<WorkerRequest, WriteRequest>;

/** Answers requests in their order. Writes that follow each other share a commit, and answers share messages. */
export function answerAll(
  file: EmbeddedFile,
  requests: readonly WorkerRequest[],
  send: (replies: readonly WorkerReply[]) => void,
): void {
  let next = 0;
  while (next < requests.length) {
    const writes = takeWhile(requests, next, WRITES_TOGETHER, isWrite);
    const others = takeWhile(requests, next, OTHERS_TOGETHER, isOther);
    send(writes.length > 0 ? write(file, writes) : others.map((request) => answer(file, request)));
    next += writes.length + others.length;
  }
}

const isWrite = (request: WorkerRequest): request is WriteRequest => request.kind === "write";
const isOther = (request: WorkerRequest): request is OtherRequest => request.kind !== "write";

/** The requests from this place on that are of one sort, so many at most. */
function takeWhile<Taken extends WorkerRequest>(
  requests: readonly WorkerRequest[],
  from: number,
  limit: number,
  belongs: (request: WorkerRequest) => request is Taken,
): readonly Taken[] {
  const taken: Taken[] = [];
  for (let place = from; place < from + limit; place += 1) {
    const request = requests[place];
    if (!request || !belongs(request)) break;
    taken.push(request);
  }
  return taken;
}

function write(file: EmbeddedFile, requests: readonly WriteRequest[]): readonly WorkerReply[] {
  const jobs = requests.map(({ job }) => job);
  const outcomes = runJobs(file, jobs);
  return requests.map(({ id }, index) => ({ id, outcome: outcomes[index] ?? UNANSWERED }));
}

const UNANSWERED: Outcome<never> = {
  failure: { message: "A write was left without an outcome", code: null },
};

function answer(file: EmbeddedFile, request: OtherRequest): WorkerReply {
  try {
    return { id: request.id, outcome: { value: carryOut(file, request) } };
  } catch (error) {
    return { id: request.id, outcome: { failure: failureOf(error) } };
  }
}

function carryOut(file: EmbeddedFile, request: OtherRequest): unknown {
  switch (request.kind) {
    case "run":
      return file.run(request.statement);
    case "inside":
      return runInside(file, request);
    case "commit":
      return commit(file);
    case "rollback":
      return file.rollback();
    case "close":
      return file.close();
  }
}

function runInside(
  file: EmbeddedFile,
  request: Extract<WorkerRequest, { readonly kind: "inside" }>,
): unknown {
  if (request.begins) file.run(BEGIN);
  // A full disk and its like end a transaction; what follows must not be written by itself.
  else if (!file.inTransaction()) throw new Error("The transaction has ended: SQLite has undone it");
  return file.run(request.statement);
}

function commit(file: EmbeddedFile): void {
  try {
    file.run(COMMIT);
  } catch (error) {
    file.rollback();
    throw error;
  }
}
