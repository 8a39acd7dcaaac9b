import { ExternalSystemError } from "../../kernel/errors.ts";
import type { HttpReply } from "../http-reply.ts";
import { type PipeEnd, pipeBlob } from "./blob-pipe.ts";
import { type BlobProgress, blobProgress } from "./blob-progress.ts";
import { openSource, type OpenSource } from "./blob-source.ts";
import { streamBlob } from "./blob-stream.ts";
import { openTarget, type OpenTarget } from "./blob-target.ts";
import { type BlobTransfer, reading, writing } from "./blob-transfer.ts";
import { beginUpload, checkStored, isStored, keptBytes, mountOrBegin } from "./blob-upload.ts";
import { cancelUpload } from "./oci-blobs.ts";
import type { BlobArrival } from "./registry.ts";

/*
 * One blob from registry to registry. A source that breaks is asked for the rest (Range) while the upload waits; an
 * upload that breaks goes on where the target says that it stopped, or is made anew in one clean PUT where it does not
 * say. Whatever goes wrong, nothing appears at the target but the right bytes.
 */

/** What is known of one copy while its attempts come and go. */
interface Copy {
  readonly transfer: BlobTransfer;
  readonly progress: BlobProgress;
  /** The upload that is open at the target. */
  upload: URL | null;
  /** How often in a row the source broke without getting much further, and where it did so last. */
  breaks: number;
  brokeAt: number;
  /** Whether the bytes came in more than one piece. */
  wasMended: boolean;
}

/** So often a source may break at about the same place before the whole attempt counts as failed. */
const MOST_BREAKS = 3;

type Broken = Exclude<PipeEnd, { readonly kind: "sent" | "answered" }>;

/** A broken connection that got this much further may break again: the patience begins anew. */
const WORTH_ANOTHER_ROUND_BYTES = 1024 * 1024;

/** Copies the blob, patiently; a mount moves no bytes and waits for no place. Throws ExternalSystemError. */
export async function transferBlob(transfer: BlobTransfer): Promise<BlobArrival> {
  const { sizeBytes, onBytes } = transfer;
  const progress = blobProgress(sizeBytes, onBytes);
  const copy: Copy = {
    transfer,
    progress,
    upload: null,
    breaks: 0,
    brokeAt: 0,
    wasMended: false,
  };
  try {
    return (await mount(copy)) ? "mounted" : await attemptAll(copy);
  } catch (error) {
    await abandonUpload(copy);
    throw error;
  }
}

async function attemptAll(copy: Copy): Promise<BlobArrival> {
  const { progress } = copy;
  const { target, signal, takePlace } = copy.transfer;
  const release = await takePlace();
  try {
    for (;;) {
      const before = progress.furthest();
      try {
        return await target.session.retrying(signal, () => attempt(copy));
      } catch (error) {
        const further = progress.furthest() - before;
        const mayPass =
          error instanceof ExternalSystemError && error.retryable && error.retryAfterMillis === null;
        if (!mayPass || further < WORTH_ANOTHER_ROUND_BYTES) throw error;
      }
    }
  } finally {
    release();
  }
}

async function abandonUpload(copy: Copy): Promise<void> {
  const { session, repository } = copy.transfer.target;
  if (copy.upload) await cancelUpload(session, repository, copy.upload);
  copy.upload = null;
}

/** Forgets what is at the target and begins with the first byte. */
async function startOver(copy: Copy): Promise<void> {
  await abandonUpload(copy);
  copy.progress.rewindTo(0);
}

async function attempt(copy: Copy): Promise<BlobArrival> {
  const { transfer, progress } = copy;
  if (await isStored(transfer)) {
    await abandonUpload(copy);
    return "present";
  }
  if (copy.upload && progress.furthest() > 0) await findKept(copy, copy.upload);
  const isOld = copy.upload !== null;
  const [source, upload] = await bothOf(
    openSource(transfer, progress.hashed()),
    copy.upload ? Promise.resolve(copy.upload) : beginUpload(transfer),
    copy,
  );
  copy.upload = upload;
  const wasResumed = progress.sendFrom() > 0;
  const reply = source ? await pipe(copy, source, upload) : await stream(copy, upload);
  if (reply.status === 401) throw await tokenRefused(transfer, reply);
  if (isOld && reply.status >= 400 && reply.status < 500 && reply.status !== 429) {
    await startOver(copy);
    throw transfer.target.session.fault(writing(transfer), "the registry would not go on with the upload", {
      retryable: true,
    });
  }
  await checkStored(transfer, reply, wasResumed);
  progress.complete();
  return "copied";
}

/** Goes back to where the target says that it stopped; to the first byte where it does not say. */
async function findKept(copy: Copy, upload: URL): Promise<void> {
  const { transfer, progress } = copy;
  const kept = await keptBytes(transfer, upload);
  if (kept === null || kept.bytes > progress.furthest()) return await startOver(copy);
  copy.upload = kept.upload;
  progress.rewindTo(kept.bytes);
  copy.wasMended = true;
}

/** Tries a mount, once; where the registry begins an upload instead, that is gone on with. */
async function mount(copy: Copy): Promise<boolean> {
  const { mountFrom } = copy.transfer;
  if (mountFrom === null) return false;
  const answer = await mountOrBegin(copy.transfer, mountFrom);
  if (answer === "mounted") return true;
  copy.upload = answer;
  return false;
}

/** Waits for both; when one fails, the other is not left open. */
async function bothOf(
  opening: Promise<OpenSource | null>,
  beginning: Promise<URL>,
  copy: Copy,
): Promise<[OpenSource | null, URL]> {
  const [source, upload] = await Promise.allSettled([opening, beginning]);
  if (upload.status === "fulfilled") copy.upload = upload.value;
  if (source.status === "fulfilled" && upload.status === "fulfilled") return [source.value, upload.value];
  if (source.status === "fulfilled") source.value?.socket.destroy();
  throw source.status === "rejected" ? source.reason : (upload as PromiseRejectedResult).reason;
}

function commitAddress({ transfer }: Copy, upload: URL): URL {
  const url = new URL(upload);
  url.search += `${url.search ? "&" : "?"}digest=${encodeURIComponent(transfer.digest)}`;
  return url;
}

async function tokenRefused(transfer: BlobTransfer, reply: HttpReply): Promise<Error> {
  await reply.discard();
  return transfer.target.session.fault(writing(transfer), "the registry refused the token in mid-copy", {
    retryable: true,
    status: 401,
  });
}

/** Sends all of it into one PUT, without a length from the source. */
async function stream(copy: Copy, upload: URL): Promise<HttpReply> {
  const { transfer, progress } = copy;
  progress.rewindTo(0);
  const onBytes = (count: number): void => progress.sent(count);
  return await streamBlob({ ...transfer, onBytes }, commitAddress(copy, upload));
}

/** Pipes what is missing into one PUT; the target's answer. */
async function pipe(copy: Copy, first: OpenSource, upload: URL): Promise<HttpReply> {
  const { transfer, progress } = copy;
  let source = first;
  let target: OpenTarget | null = null;
  let isDone = false;
  try {
    const restBytes = transfer.sizeBytes - progress.sendFrom();
    // The request for no bytes would be whole with its head.
    if (restBytes === 0 && progress.digest() !== transfer.digest)
      return await refuseWrong(copy, progress.digest());
    target = await openTarget(transfer, commitAddress(copy, upload), restBytes);
    for (;;) {
      const end = await pipeOnce(copy, source, target);
      if (end.kind === "sent" || end.kind === "answered") {
        const reply = await target.answer();
        if (end.kind === "answered" && reply.status < 300)
          throw transfer.target.session.fault(
            writing(transfer),
            "the registry answered before it had all bytes",
            // Perhaps somebody else brought them meanwhile: the next attempt asks.
            { retryable: true },
          );
        isDone = end.kind === "sent";
        return reply;
      }
      source = await mend(copy, source, target, end);
    }
  } finally {
    if (isDone) source.giveBack();
    else source.socket.destroy();
    target?.done(isDone);
  }
}

function pipeOnce({ transfer, progress }: Copy, source: OpenSource, target: OpenTarget): Promise<PipeEnd> {
  const { digest, tools, signal } = transfer;
  const [from, to] = [transfer.source.session.origin.host, transfer.target.session.origin.host];
  const before = progress.hashed();
  return pipeBlob({
    source: source.socket,
    streamAt: source.streamAt,
    target: target.socket,
    digest,
    progress,
    stallMillis: tools.stallMillis,
    onRead: (count) => tools.traffic.bytes(from, "in", count),
    signal,
  }).finally(() => tools.traffic.bytes(to, "out", progress.hashed() - before));
}

/** After a break of the source: opens it again where it broke. All else is for the next attempt, or for nobody. */
async function mend(copy: Copy, source: OpenSource, target: OpenTarget, end: Broken): Promise<OpenSource> {
  source.socket.destroy();
  if (end.kind === "wrong") return await refuseWrong(copy, end.digest);
  if (end.side === "target") throw target.broke(end.error);
  const failure = source.broke(end.error);
  if (!(failure instanceof ExternalSystemError && failure.retryable)) throw failure;
  const { transfer, progress } = copy;
  const further = progress.hashed() - copy.brokeAt;
  copy.breaks = further < WORTH_ANOTHER_ROUND_BYTES ? copy.breaks + 1 : 1;
  copy.brokeAt = progress.hashed();
  copy.wasMended = true;
  if (copy.breaks > MOST_BREAKS) throw failure;
  const again = await transfer.source.session.retrying(transfer.signal, () =>
    openSource(transfer, progress.hashed()),
  );
  if (!again) throw failure;
  return again;
}

/** Pieces that do not fit together are read again in one; what is wrong in one piece stays wrong. */
async function refuseWrong(copy: Copy, digest: string): Promise<never> {
  const { wasMended, transfer } = copy;
  copy.wasMended = false;
  await startOver(copy);
  const words = `digest mismatch: the bytes have ${digest} instead of ${transfer.digest}`;
  throw transfer.source.session.fault(reading(transfer), words, { retryable: wasMended });
}
