import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { DatabaseFullError, messageOf } from "../kernel/errors.ts";
import {
  type Failure,
  type Outcome,
  READY,
  type WorkerReply,
  type WorkerRequest,
  type WorkerRole,
} from "./embedded-protocol.ts";

/** A refusal by SQLite; `code` is SQLite's own, such as SQLITE_CONSTRAINT_UNIQUE. */
class EmbeddedError extends Error {
  override readonly name = "EmbeddedError";
  readonly code: string | null;

  constructor(failure: Failure) {
    super(failure.message);
    this.code = failure.code;
  }
}

/**
 * The value, or the failure thrown: from where it is awaited, so that the stack leads to the caller. Throws
 * DatabaseFullError when the disk has no room.
 */
export function valueOf<Value>(outcome: Outcome<Value>): Value {
  if (!("failure" in outcome)) return outcome.value;
  const error = new EmbeddedError(outcome.failure);
  throw error.code === "SQLITE_FULL" ? new DatabaseFullError(error.message, { cause: error }) : error;
}

type Unnumbered<Request> = Request extends unknown ? Omit<Request, "id"> : never;

/** The main thread's end of a database worker. The caller knows which type of answer belongs to its request. */
export interface WorkerLink {
  readonly ask: <Value>(request: Unnumbered<WorkerRequest>) => Promise<Outcome<Value>>;
  /** Like `ask`; a failure is thrown. */
  readonly call: <Value>(request: Unnumbered<WorkerRequest>) => Promise<Value>;
  /** Requests that wait for their answer. */
  readonly pending: () => number;
  readonly close: () => Promise<void>;
}

interface Waiting {
  readonly resolve: (outcome: Outcome<unknown>) => void;
  readonly reject: (error: Error) => void;
}

const REQUESTS_IN_MESSAGE = 16;

// The worker lies beside this file, as .ts in a checkout and as .js in the published package.
const workerFile = new URL(`./embedded-worker${extname(import.meta.url)}`, import.meta.url);

/**
 * Puts together what is posted in one turn of the event loop: a message between threads costs more than most
 * statements. Many at once go in parts, so that the other thread works while this one goes on asking.
 */
function outbox<Request>(send: (requests: readonly Request[]) => void): (request: Request) => void {
  let posted: Request[] = [];
  const flush = (): void => {
    if (posted.length === 0) return;
    send(posted);
    posted = [];
  };
  return (request) => {
    posted.push(request);
    if (posted.length === 1) process.nextTick(flush);
    else if (posted.length === REQUESTS_IN_MESSAGE) flush();
  };
}

/**
 * Starts a database worker and waits until it is ready. When it ever stops by itself, every open and
 * later call is refused and `onFatal` hears of it, once.
 */
export async function startWorker(
  role: WorkerRole,
  onFatal: (error: Error) => void,
  file: URL = workerFile,
): Promise<WorkerLink> {
  const worker = new Worker(file, { workerData: role, name: `database-${role.role}`, execArgv: [] });
  const waiting = new Map<number, Waiting>();
  const post = outbox((requests: readonly WorkerRequest[]) => worker.postMessage(requests));
  let lastId = READY;
  let ended: Error | null = null;
  let closing = false;

  const wait = (id: number): Promise<Outcome<unknown>> =>
    new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
    });
  const end = (error: Error, fatal: boolean): void => {
    if (ended) return;
    ended = error;
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
    if (fatal) onFatal(error);
  };
  const stopped = (why: string): void =>
    end(new Error(`The database worker (${role.role}) stopped: ${why}. Restart Headgate`), !closing);

  worker.on("message", (replies: readonly WorkerReply[]) => {
    for (const { id, outcome } of replies) {
      waiting.get(id)?.resolve(outcome);
      waiting.delete(id);
    }
  });
  worker.on("error", (error) => stopped(messageOf(error)));
  worker.on("exit", (code) => stopped(`it ended with code ${code}`));

  const ask = async <Value>(request: Unnumbered<WorkerRequest>): Promise<Outcome<Value>> => {
    if (ended) throw ended;
    lastId += 1;
    post({ ...request, id: lastId });
    return (await wait(lastId)) as Outcome<Value>;
  };
  const call = async <Value>(request: Unnumbered<WorkerRequest>): Promise<Value> =>
    valueOf(await ask<Value>(request));
  const close = async (): Promise<void> => {
    if (ended) return;
    // The thread ends by itself once it has answered, and may be seen to before its answer is.
    closing = true;
    await call({ kind: "close" });
    end(new Error("The database is closed"), false);
    await worker.terminate();
  };

  try {
    valueOf(await wait(READY));
  } catch (error) {
    end(new Error("The database never opened"), false);
    await worker.terminate();
    throw error;
  }
  return { ask, call, pending: () => waiting.size, close };
}
