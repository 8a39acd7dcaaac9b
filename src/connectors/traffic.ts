/** What goes on between us and other systems, told to whoever counts it. Hosts are `host` or `host:port`. */
export interface Traffic {
  /** Bytes of blobs that were read from a host or written to it. */
  bytes(host: string, direction: "in" | "out", count: number): void;
  /** A failed call to the host is made again. */
  retry(host: string): void;
  /** Calls to the host are held back from now on, or let through again. */
  breaker(host: string, open: boolean): void;
}

/** For whoever does not count. */
export const UNCOUNTED: Traffic = { bytes: () => {}, retry: () => {}, breaker: () => {} };
