import type { Digest } from "../../kernel/digest.ts";

/** How to reach one registry: a connection's own settings, secrets opened. */
export interface RegistrySettings {
  /** The connection's name, for messages. */
  readonly name: string;
  /** host or host:port. */
  readonly host: string;
  /** Speak http; otherwise https, always. */
  readonly plainHttp: boolean;
  /** An admin said that this host may be a private or loopback address. */
  readonly allowPrivate: boolean;
  /** PEM text of extra certificate authorities. */
  readonly caPem: string | null;
  /** Null: anonymous. */
  readonly credentials: { readonly username: string; readonly password: string } | null;
  /** Hosts besides the registry's own that may be given the credentials to make tokens. */
  readonly tokenHosts: readonly string[];
}

/** A manifest or index exactly as the registry sent it. */
export interface RawManifest {
  readonly digest: Digest;
  readonly mediaType: string;
  readonly bytes: Uint8Array;
}

/** A manifest that names its subject, and what a list of the subject's referrers says of it. */
export interface AttachedManifest {
  readonly manifest: RawManifest;
  readonly subject: Digest;
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>>;
}

/** What "test connection" found. */
export interface RegistryCheck {
  readonly reachable: boolean;
  readonly authenticated: boolean;
  /** The host of the Bearer realm when it is not the registry's own; an admin may confirm it. */
  readonly tokenHost: string | null;
  /** What came back, in the registry's words or ours. */
  readonly message: string;
}

/**
 * A registry behind one connection. Every method throws ExternalSystemError with the registry's own
 * `errors[].code: message` (at most 300 characters); a 404 for a manifest or blob to read is such an error too.
 * Repositories are full names without the host.
 */
export interface Registry {
  readonly settings: RegistrySettings;
  check(signal?: AbortSignal): Promise<RegistryCheck>;
  /** The manifest behind a tag or digest, at most 4 MiB; its bytes always have its digest. */
  pullManifest(repository: string, reference: string, signal?: AbortSignal): Promise<RawManifest>;
  /** The digest behind a tag or digest, or null when the registry has none. */
  findManifest(repository: string, reference: string, signal?: AbortSignal): Promise<Digest | null>;
  /** Stores the bytes under a tag or digest; returns the digest that the registry says it stored. */
  pushManifest(
    repository: string,
    reference: string,
    manifest: RawManifest,
    signal?: AbortSignal,
  ): Promise<Digest>;
  /** The digests of what is attached to a manifest; from the tag that stands in for the API where there is none. */
  listReferrers(repository: string, digest: Digest, signal?: AbortSignal): Promise<readonly Digest[]>;
  /** Stores a manifest by its digest; its subject's referrers list it from then on. */
  pushReferrer(repository: string, attached: AttachedManifest, signal?: AbortSignal): Promise<void>;
  hasBlob(repository: string, digest: Digest, signal?: AbortSignal): Promise<boolean>;
}

/** How a blob got to its target: it was there, another repository of the registry had it, or its bytes were moved. */
export type BlobArrival = "present" | "mounted" | "copied";

/** One blob on its way from registry to registry. */
export interface BlobCopy {
  readonly source: { readonly registry: Registry; readonly repository: string };
  readonly target: { readonly registry: Registry; readonly repository: string };
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Another repository of the target's registry that is believed to have the blob: it is mounted if that works. */
  readonly mountFrom?: string | null;
  /** Called with the bytes that passed since the last call; negative when a broken transfer starts over. */
  readonly onBytes?: (count: number) => void;
  readonly signal?: AbortSignal;
}

/** The door to all registries. Handles, their connections and tokens are kept per settings. */
export interface RegistryConnector {
  open(settings: RegistrySettings): Registry;
  /**
   * Makes the blob appear by the cheapest way that works. Bytes are moved without touching the disk and verified:
   * nothing appears at the target unless size and digest are right.
   */
  copyBlob(copy: BlobCopy): Promise<BlobArrival>;
  close(): Promise<void>;
}
