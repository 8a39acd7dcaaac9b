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

/** Opens the database file of a directory: one writer thread, two readers. */
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
    read: (statement) => leastBusy(readers, writerLink).call({ kind: "run", statement }),
    close: async () => {
      writer.close();
      // The writer last: the last connection to close folds the write-ahead log into the file.
      await Promise.all(readers.map((reader) => reader.close()));
      await writerLink.close();
    },
  };
}

async function startReaders(
  directory: string,
  onFatal: (error: Error) => void,
): Promise<readonly WorkerLink[]> {
  const starts = Array.from({ length: READERS }, () => startWorker({ role: "reader", directory }, onFatal));
  const outcomes = await Promise.allSettled(starts);
  const failed = outcomes.find((outcome) => outcome.status === "rejected");
  const links = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  if (!failed) return links;
  await Promise.all(links.map((link) => link.close()));
  throw failed.reason;
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
