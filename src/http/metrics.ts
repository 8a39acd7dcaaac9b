import type { FastifyInstance, FastifyRequest } from "fastify";
import { collectDefaultMetrics, Registry } from "prom-client";
import { eventMetrics } from "./event-metrics.ts";
import { hostMetrics, type HostMetrics } from "./host-metrics.ts";
import { countRequests } from "./request-metrics.ts";
import { type TaskFigures, taskMetrics, type TaskMetrics } from "./task-metrics.ts";

/** What is read from the database at each look. */
export interface Figures {
  readonly tasks: TaskFigures;
  readonly unsealedEvents: number;
}

/** All that a process counts. Whoever does something worth counting tells it here. */
export interface Metrics {
  readonly hosts: HostMetrics;
  readonly tasks: Pick<TaskMetrics, "ran" | "takenBack">;
  countRequests(app: FastifyInstance): void;
  /** Everything in Prometheus' text form. */
  text(figures: Figures): Promise<{ readonly type: string; readonly body: string }>;
}

/** Makes the metrics of one process. */
export function createMetrics(): Metrics {
  const register = new Registry();
  let ofProcess = false;
  const tasks = taskMetrics(register);
  const showEvents = eventMetrics(register);
  return {
    hosts: hostMetrics(register),
    tasks,
    countRequests: (app) => countRequests(app, register),
    text: async (figures) => {
      // From the first look on: watching event loop and garbage costs a server that nobody looks at 5 MB.
      if (!ofProcess) collectDefaultMetrics({ register, prefix: "headgate_" });
      ofProcess = true;
      tasks.show(figures.tasks);
      showEvents(figures.unsealedEvents);
      return { type: register.contentType, body: await register.metrics() };
    },
  };
}

export interface MetricsOptions {
  readonly metrics: Metrics;
  readonly readFigures: () => Promise<Figures>;
  /** Throws when the caller may not read metrics. */
  readonly admit: (request: FastifyRequest) => Promise<void>;
}

/** Counts the requests of this server, and answers `/metrics`. */
export function metricsRoute(app: FastifyInstance, { metrics, readFigures, admit }: MetricsOptions): void {
  metrics.countRequests(app);
  app.get("/metrics", { config: { quiet: true } }, async (request, reply) => {
    await admit(request);
    const { type, body } = await metrics.text(await readFigures());
    return reply.type(type).send(body);
  });
}
