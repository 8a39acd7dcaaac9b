import type { Digest } from "../../kernel/digest.ts";
import { ExternalSystemError } from "../../kernel/errors.ts";
import { connectionFailure } from "../connection-failure.ts";
import type { HostHealth } from "../host-health.ts";
import { systemError } from "../http-client.ts";
import type { Release } from "../slots.ts";
import type { Traffic } from "../traffic.ts";
import type { RegistrySession } from "./oci-session.ts";
import type { SlabSockets } from "./slab-sockets.ts";

/** A repository of a registry. */
export interface BlobPlace {
  readonly session: RegistrySession;
  readonly repository: string;
}

/** What the pipe works with. Times in milliseconds. */
export interface PipeTools {
  readonly sockets: SlabSockets;
  readonly health: HostHealth;
  readonly traffic: Traffic;
  readonly firstByteMillis: number;
  /** How long a side may move next to nothing. */
  readonly stallMillis: number;
  /** How long the target may take to answer when it has all bytes: large blobs take their time. */
  readonly commitMillis: number;
}

/** One transfer from place to place. */
export interface BlobTransfer {
  readonly source: BlobPlace;
  readonly target: BlobPlace;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Another repository of the target's registry that has the blob, it seems. */
  readonly mountFrom: string | null;
  /** Hears of bytes that the target's connection took; negative when some go again. */
  readonly onBytes: (count: number) => void;
  /** Waits for a place among the transfers that both hosts serve at a time. */
  readonly takePlace: () => Promise<Release>;
  readonly tools: PipeTools;
  readonly signal: AbortSignal | undefined;
}

export const reading = ({ source, digest }: BlobTransfer): string => `reading ${source.repository}@${digest}`;
export const writing = ({ target, digest }: BlobTransfer): string => `writing ${target.repository}@${digest}`;

/** What a socket of ours threw, in the words of all other calls; an abort and the unforeseen stay as they are. */
export function socketError(session: RegistrySession, url: URL, error: unknown): unknown {
  if (error instanceof ExternalSystemError) return error;
  const failure = connectionFailure(error);
  if (!failure) return error;
  const { doing, words, retryable } = failure;
  return systemError(session.rules, `${doing} ${url.host}: ${words}`, { retryable, cause: error });
}
