import { Counter, Gauge, type Registry } from "prom-client";

/** Told of the traffic with other systems; hosts are `host` or `host:port`. */
export interface HostMetrics {
  bytes(host: string, direction: "in" | "out", count: number): void;
  retry(host: string): void;
  breaker(host: string, open: boolean): void;
}

/** So many hosts have figures of their own; a redirect may lead anywhere, so the rest share one name. */
const MOST_HOSTS = 100;
const OTHERS = "others";

/** Counts the traffic with each host. */
export function hostMetrics(register: Registry): HostMetrics {
  const registers = [register];
  const bytes = new Counter({
    name: "headgate_transfer_bytes_total",
    help: "Bytes of blobs read from a host (in) or written to it (out)",
    labelNames: ["host", "direction"],
    registers,
  });
  const retries = new Counter({
    name: "headgate_host_retries_total",
    help: "Failed calls to a host that were made again",
    labelNames: ["host"],
    registers,
  });
  const resting = new Gauge({
    name: "headgate_host_resting",
    help: "1 while a host that failed several times in a row is left alone",
    labelNames: ["host"],
    registers,
  });
  const known = new Set<string>();
  const labelOf = (host: string): string => {
    if (known.size < MOST_HOSTS) known.add(host);
    return known.has(host) ? host : OTHERS;
  };
  return {
    bytes: (host, direction, count) => bytes.inc({ host: labelOf(host), direction }, count),
    retry: (host) => retries.inc({ host: labelOf(host) }),
    breaker: (host, open) => resting.set({ host: labelOf(host) }, open ? 1 : 0),
  };
}
