import type { FastifyInstance, FastifyRequest } from "fastify";
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";

/** How the tasks stand; what `/metrics` shows of them. */
export interface TaskFigures {
  readonly counts: readonly { readonly kind: string; readonly state: string; readonly count: number }[];
  readonly unknown: readonly { readonly kind: string; readonly version: number; readonly count: number }[];
  readonly oldestDueMillis: number;
}

export interface MetricsOptions {
  readonly readTasks: () => Promise<TaskFigures>;
  /** Throws when the caller may not read metrics. */
  readonly admit: (request: FastifyRequest) => Promise<void>;
}

/** Counts requests by route and status, and answers `/metrics` in Prometheus' text form. */
export function metricsRoute(app: FastifyInstance, options: MetricsOptions): void {
  const register = new Registry();
  collectDefaultMetrics({ register, prefix: "headgate_" });
  countRequests(app, register);
  const showTasks = taskGauges(register);
  app.get("/metrics", { config: { quiet: true } }, async (request, reply) => {
    await options.admit(request);
    showTasks(await options.readTasks());
    return reply.type(register.contentType).send(await register.metrics());
  });
}

function countRequests(app: FastifyInstance, register: Registry): void {
  const requests = new Counter({
    name: "headgate_http_requests_total",
    help: "Requests answered, by method, route and status",
    labelNames: ["method", "route", "status"],
    registers: [register],
  });
  const seconds = new Histogram({
    name: "headgate_http_request_seconds",
    help: "Time until the whole answer was sent, in seconds",
    labelNames: ["route"],
    buckets: [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
    registers: [register],
  });
  app.addHook("onResponse", async (request, reply) => {
    const route = request.routeOptions.url ?? "unknown";
    requests.inc({ method: request.method, route, status: reply.statusCode });
    seconds.observe({ route }, reply.elapsedTime / 1000);
  });
}

function taskGauges(register: Registry): (figures: TaskFigures) => void {
  const tasks = new Gauge({
    name: "headgate_tasks",
    help: "Tasks by kind and state",
    labelNames: ["kind", "state"],
    registers: [register],
  });
  const unknown = new Gauge({
    name: "headgate_tasks_unknown",
    help: "Tasks of a kind or version that this process cannot carry out",
    labelNames: ["kind", "version"],
    registers: [register],
  });
  const oldest = new Gauge({
    name: "headgate_tasks_oldest_due_seconds",
    help: "How long the task that is due longest has waited",
    registers: [register],
  });
  return (figures) => {
    tasks.reset();
    unknown.reset();
    for (const { kind, state, count } of figures.counts) tasks.set({ kind, state }, count);
    for (const { kind, version, count } of figures.unknown) unknown.set({ kind, version }, count);
    oldest.set(figures.oldestDueMillis / 1000);
  };
}
