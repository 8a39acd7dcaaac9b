import { Counter, Gauge, type Registry } from "prom-client";
import { countsOfEvents } from "../audit/event-counts.ts";

/** Shows how many events of each kind this process has recorded, how distributions ended, and what is not sealed. */
export function eventMetrics(register: Registry): (unsealed: number) => void {
  const events = new Counter({
    name: "headgate_events_total",
    help: "Events that this process recorded, by kind",
    labelNames: ["kind"],
    registers: [register],
  });
  const ended = new Counter({
    name: "headgate_distributions_ended_total",
    help: "Distributions that this process ended, by status",
    labelNames: ["status"],
    registers: [register],
  });
  const waiting = new Gauge({
    name: "headgate_events_unsealed",
    help: "Events that have no place in their chain yet",
    registers: [register],
  });
  return (unsealed) => {
    const counts = countsOfEvents();
    events.reset();
    ended.reset();
    for (const [kind, count] of counts) events.inc({ kind }, count);
    for (const [status, kind] of [
      ["success", "distribution.succeeded"],
      ["failed", "distribution.failed"],
      ["cancelled", "distribution.cancelled"],
    ] as const)
      ended.inc({ status }, counts.get(kind) ?? 0);
    waiting.set(unsealed);
  };
}
