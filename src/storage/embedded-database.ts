import { prepareDirectory } from "./embedded-directory.ts";
import { embeddedDialect, type EmbeddedThreads } from "./embedded-dialect.ts";
import { startWorker, type WorkerLink } from "./embedded-link.ts";
import { createWriter } from "./embedded-writer.ts";
import type { OpenEngine } from "./engine-services.ts";
import { refuseOddParameters } from "./embedded-protocol.ts";
import { localWakeUps } from "./local-wake-ups.ts";
import { refuseOldNode } from "../kernel/node-version.ts";
import { refuseInTransaction } from "../kernel/transaction-scope.ts";

const READERS = 2;
/** A thread costs memory: another reader is started when so many reads wait for each one that there is. */
const BUSY = 2;

/** Opens the database file of a directory: one writer thread, and one reader or two. */
export async function openEmbedded(directory: string, onFatal: (error: Error) => void): Promise<OpenEngine> {
  refuseOldNode(process.versions.node);
  const path = await prepareDirectory(directory);
  const threads = await startThreads(path, onFatal);
  const dialect = embeddedDialect(threads, {
    batch: async (statements, guard) => {
      statements.forEach(refuseOddParameters);
      refuseInTransaction("A batch on the database instead of the open transaction");
      return threads.writer.write({ statements, guard });
    },
    wakeUps: localWakeUps(),
    backUp: (file) => backUp(path, file, onFatal),
    backUpElsewhere: null,
  });
  return { dialect, close: threads.close };
}

async function startThreads(directory: string, onFatal: (error: Error) => void): Promise<EmbeddedThreads> {
  const writerLink = await startWorker({ role: "writer", directory }, onFatal);
  const readers = await startReaders(directory, onFatal).catch(async (error: unknown) => {
    await writerLink.close();
    throw error;
  });
  const writer = createWriter(writerLink);
  return {
    writer,
    read: (statement) => readers.take().call({ kind: "run", statement }),
    close: async () => {
      writer.close();
      // The writer last: the last connection to close folds the write-ahead log into the file.
      await readers.close();
      await writerLink.close();
    },
  };
}

/** The reader threads. */
interface Readers {
  /** The one with the least to do. */
  take(): WorkerLink;
  close(): Promise<void>;
}

async function startReaders(directory: string, onFatal: (error: Error) => void): Promise<Readers> {
  const start = (): Promise<WorkerLink> => startWorker({ role: "reader", directory }, onFatal);
  const first = await start();
  const links = [first];
  let starting: Promise<void> | null = null;
  const startOneMore = async (): Promise<void> => {
    try {
      links.push(await start());
      starting = null;
    } catch (error) {
      onFatal(error instanceof Error ? error : new Error(String(error)));
    }
  };
  return {
    take: () => {
      const link = leastBusy(links, first);
      if (links.length < READERS && link.pending() >= BUSY) starting ??= startOneMore();
      return link;
    },
    close: async () => {
      await starting;
      await Promise.all(links.map((link) => link.close()));
    },
  };
}

const leastBusy = (links: readonly WorkerLink[], fallback: WorkerLink): WorkerLink =>
  links.reduce<WorkerLink | null>(
    (best, link) => (best && best.pending() <= link.pending() ? best : link),
    null,
  ) ?? fallback;

/** In a thread of its own: the readers have others to serve. */
async function backUp(directory: string, file: string, onFatal: (error: Error) => void): Promise<void> {
  const reader = await startWorker({ role: "reader", directory }, onFatal);
  try {
    await reader.call({ kind: "run", statement: { sql: "vacuum into ?", parameters: [file] } });
  } finally {
    await reader.close();
  }
}
