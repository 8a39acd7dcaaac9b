/** A git repository behind a connection. */
export interface SourceTarget {
  /** The connection's name; stands in errors. */
  readonly name: string;
  /** `https://host/org/name.git`, without a user. */
  readonly url: URL;
  readonly plainHttp: boolean;
  readonly allowPrivate: boolean;
  readonly caPem: string | null;
  /** Null: anonymous. */
  readonly credentials: { readonly username: string; readonly password: string } | null;
}

/** What a text that should name a commit names. Names of branches and tags are none, even when they look like a hash. */
export type ResolvedCommit =
  | { readonly kind: "commit"; readonly sha: string }
  /** No hash of 7 to 64 hex digits, of no commit here, of several, or of one that no branch or tag leads to. */
  | { readonly kind: "invalid"; readonly text: string }
  /** There is no such repository, or this connection may not read it. */
  | { readonly kind: "no_repository"; readonly text: string };

/** Whether a repository can be read. */
export type RepositoryCheck =
  | { readonly kind: "readable" }
  | { readonly kind: "no_repository"; readonly text: string };

/** Repositories as this program reads them. */
export interface SourceHosts {
  /**
   * The full hash of the commit that a text names, looked up in a mirror that is brought up to date where it lacks the commit.
   * Throws ExternalSystemError, retryable when the host does not answer in time.
   */
  resolveCommit(target: SourceTarget, text: string, signal?: AbortSignal): Promise<ResolvedCommit>;
  /** Asks the host for the repository and fetches nothing. Throws ExternalSystemError. */
  check(target: SourceTarget, signal?: AbortSignal): Promise<RepositoryCheck>;
  close(): Promise<void>;
}
