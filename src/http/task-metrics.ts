import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** How the tasks stand in the database. */
export interface TaskFigures {
  readonly counts: readonly { readonly kind: string; readonly state: string; readonly count: number }[];
  readonly due: readonly { readonly kind: string; readonly count: number }[];
  readonly unknown: readonly { readonly kind: string; readonly version: number; readonly count: number }[];
  readonly oldestDueMillis: number;
}

/** Told of what the tasks of this process do. */
export interface TaskMetrics {
  ran(kind: string, end: string, seconds: number): void;
  takenBack(count: number): void;
  show(figures: TaskFigures): void;
}

const gauge = (register: Registry, name: string, help: string, labelNames: readonly string[] = []): Gauge =>
  new Gauge({ name, help, labelNames: [...labelNames], registers: [register] });

/** The gauges that show what the database says; all of them are set at each reading. */
function taskGauges(register: Registry): (figures: TaskFigures) => void {
  const tasks = gauge(register, "headgate_tasks", "Tasks by kind and state", ["kind", "state"]);
  const due = gauge(register, "headgate_tasks_due", "Tasks that are due and wait for a worker", ["kind"]);
  const unknown = gauge(
    register,
    "headgate_tasks_unknown",
    "Tasks of a kind or version that this process cannot carry out",
    ["kind", "version"],
  );
  const oldest = gauge(
    register,
    "headgate_tasks_oldest_due_seconds",
    "How long the task that is due longest has waited",
  );
  return (figures) => {
    for (const one of [tasks, due, unknown]) one.reset();
    for (const { kind, state, count } of figures.counts) tasks.set({ kind, state }, count);
    for (const { kind } of figures.counts) due.set({ kind }, 0);
    for (const { kind, count } of figures.due) due.set({ kind }, count);
    for (const { kind, version, count } of figures.unknown) unknown.set({ kind, version }, count);
    oldest.set(figures.oldestDueMillis / 1000);
  };
}

/** Counts the runs of this process, and shows how all tasks stand. */
export function taskMetrics(register: Registry): TaskMetrics {
  const runs = new Histogram({
    name: "headgate_task_run_seconds",
    help: "Runs of tasks in this process, by kind and how they ended, and how long they took",
    labelNames: ["kind", "outcome"],
    buckets: [0.05, 0.5, 5, 30, 120, 600, 3600],
    registers: [register],
  });
  const lost = new Counter({
    name: "headgate_task_leases_lost_total",
    help: "Runs of this process whose task went to another process",
    labelNames: ["kind"],
    registers: [register],
  });
  const takenBack = new Counter({
    name: "headgate_task_leases_taken_back_total",
    help: "Tasks that this process took back from one that did not answer",
    registers: [register],
  });
  return {
    ran: (kind, end, seconds) => {
      runs.observe({ kind, outcome: end }, seconds);
      if (end === "lost") lost.inc({ kind });
    },
    takenBack: (count) => takenBack.inc(count),
    show: taskGauges(register),
  };
}
