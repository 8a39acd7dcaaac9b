import { PassThrough } from "node:stream";
import Fastify, { type FastifyInstance } from "fastify";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMetrics, type Figures, type Metrics, metricsRoute } from "./metrics.ts";

const NOTHING: Figures = {
  tasks: { counts: [], due: [], unknown: [], oldestDueMillis: 0 },
  unsealedEvents: 0,
};

describe("metrics", () => {
  let app: FastifyInstance;
  let metrics: Metrics;
  let figures: Figures;

  beforeEach(() => {
    app = Fastify();
    metrics = createMetrics();
    figures = NOTHING;
    metricsRoute(app, { metrics, readFigures: () => Promise.resolve(figures), admit: async () => {} });
  });

  afterEach(() => app.close());

  /** All lines of one metric. */
  const linesOf = async (name: string): Promise<string[]> => {
    const { payload } = await app.inject("/metrics");
    return payload.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  };

  it("count bytes, repeated calls and resting by host", async () => {
    metrics.hosts.bytes("a.example.com", "in", 10);
    metrics.hosts.bytes("a.example.com", "in", 5);
    metrics.hosts.bytes("b.example.com:5000", "out", 7);
    metrics.hosts.retry("a.example.com");
    metrics.hosts.breaker("a.example.com", true);
    expect(await linesOf("headgate_transfer_bytes_total")).toEqual([
      'headgate_transfer_bytes_total{host="a.example.com",direction="in"} 15',
      'headgate_transfer_bytes_total{host="b.example.com:5000",direction="out"} 7',
    ]);
    expect(await linesOf("headgate_host_retries_total")).toEqual([
      'headgate_host_retries_total{host="a.example.com"} 1',
    ]);
    expect(await linesOf("headgate_host_resting")).toEqual(['headgate_host_resting{host="a.example.com"} 1']);
    metrics.hosts.breaker("a.example.com", false);
    expect(await linesOf("headgate_host_resting")).toEqual(['headgate_host_resting{host="a.example.com"} 0']);
  });

  it("give no more than a hundred hosts a name", async () => {
    for (let count = 0; count < 150; count += 1) metrics.hosts.retry(`${count}.example.com`);
    metrics.hosts.retry("7.example.com");
    const lines = await linesOf("headgate_host_retries_total");
    expect(lines).toHaveLength(101);
    expect(lines).toContain('headgate_host_retries_total{host="7.example.com"} 2');
    expect(lines).toContain('headgate_host_retries_total{host="others"} 50');
  });

  it("show the tasks as the database has them now, and no longer what is gone", async () => {
    figures = {
      tasks: {
        counts: [
          { kind: "copy", state: "ready", count: 3 },
          { kind: "sweep", state: "done", count: 1 },
        ],
        due: [{ kind: "copy", count: 2 }],
        unknown: [{ kind: "new", version: 2, count: 1 }],
        oldestDueMillis: 1500,
      },
      unsealedEvents: 4,
    };
    expect(await linesOf("headgate_tasks")).toEqual([
      'headgate_tasks{kind="copy",state="ready"} 3',
      'headgate_tasks{kind="sweep",state="done"} 1',
    ]);
    expect(await linesOf("headgate_tasks_due")).toEqual([
      'headgate_tasks_due{kind="copy"} 2',
      'headgate_tasks_due{kind="sweep"} 0',
    ]);
    expect(await linesOf("headgate_tasks_unknown")).toEqual([
      'headgate_tasks_unknown{kind="new",version="2"} 1',
    ]);
    expect(await linesOf("headgate_tasks_oldest_due_seconds")).toEqual([
      "headgate_tasks_oldest_due_seconds 1.5",
    ]);
    expect(await linesOf("headgate_events_unsealed")).toEqual(["headgate_events_unsealed 4"]);
    figures = NOTHING;
    expect(await linesOf("headgate_tasks")).toEqual([]);
    expect(await linesOf("headgate_events_unsealed")).toEqual(["headgate_events_unsealed 0"]);
  });

  it("count runs of tasks by how they ended, and lost leases", async () => {
    metrics.tasks.ran("copy", "done", 0.2);
    metrics.tasks.ran("copy", "lost", 40);
    metrics.tasks.takenBack(3);
    expect(await linesOf("headgate_task_run_seconds_count")).toEqual([
      'headgate_task_run_seconds_count{kind="copy",outcome="done"} 1',
      'headgate_task_run_seconds_count{kind="copy",outcome="lost"} 1',
    ]);
    expect(await linesOf("headgate_task_leases_lost_total")).toEqual([
      'headgate_task_leases_lost_total{kind="copy"} 1',
    ]);
    expect(await linesOf("headgate_task_leases_taken_back_total")).toEqual([
      "headgate_task_leases_taken_back_total 3",
    ]);
  });

  it("count live streams while they are open, also those that a reader leaves", async () => {
    const stream = new PassThrough();
    app.get("/live", (_, reply) => reply.type("text/event-stream").send(stream));
    app.get("/page", (_, reply) => reply.type("text/plain").send("x"));
    await app.inject("/page");
    const url = await app.listen({ port: 0, host: "127.0.0.1" });
    const reader = new AbortController();
    stream.write(": here\n\n");
    await fetch(`${url}/live`, { signal: reader.signal });
    expect(await linesOf("headgate_http_streams_open")).toEqual(["headgate_http_streams_open 1"]);
    reader.abort();
    await expect.poll(() => linesOf("headgate_http_streams_open")).toEqual(["headgate_http_streams_open 0"]);
  });
});
