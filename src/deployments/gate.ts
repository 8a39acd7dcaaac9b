import * as z from "zod";
import { includes, Role } from "../access/role.ts";
import { Instant } from "../kernel/time.ts";
import { type ForcedGate, GateRule } from "./deployment.ts";

/**
 * Whether one rule lets a version into an environment at a moment. What `why` shows, what a refusal says, and what a waiting
 * deployment waits for are all made of these.
 */
export const Gate = z.object({
  rule: GateRule,
  state: z.enum(["open", "closed"]),
  /** What the gate says, as a sentence without its full stop. */
  text: z.string(),
  /** Whom to ask; null: nobody in particular. */
  owner: z.string().nullable(),
  /** The least role that may pass it although it is closed, with a reason; null: nobody may. */
  bypass: Role.nullable(),
  /** When it opens by itself; null: not within the horizon, or on a condition. */
  opensAt: Instant.nullable(),
  /** What opens it, where no moment does; null: nothing is known. */
  condition: z.string().nullable(),
  /** What closes it, where that has an id: a freeze. */
  subject: z.string().nullable(),
});
export type Gate = z.output<typeof Gate>;

/** Whether and when a version can go into an environment, for the one who asks. */
export const GateReport = z.object({
  /** `queued`: every gate is open, and others go first. */
  state: z.enum(["open", "queued", "closed"]),
  gates: z.array(Gate),
  /** How many go first. */
  behind: z.int(),
  /** When the last closed gate opens; null: none is closed, or one does not open by itself. */
  opensAt: Instant.nullable(),
});
export type GateReport = z.output<typeof GateReport>;

export const openGate = (rule: GateRule, text: string): Gate => ({
  rule,
  state: "open",
  text,
  owner: null,
  bypass: null,
  opensAt: null,
  condition: null,
  subject: null,
});

export const isForced = (gate: Gate, forced: readonly ForcedGate[]): boolean =>
  forced.some((one) => one.rule === gate.rule && one.subject === gate.subject);

/** The gates that keep a deployment, those passed by force apart. */
export const closedGates = (gates: readonly Gate[], forced: readonly ForcedGate[] = []): Gate[] =>
  gates.filter((gate) => gate.state === "closed" && !isForced(gate, forced));

/** True when somebody of this role may pass the gate although it is closed. */
export const mayBypass = (gate: Gate, role: Role | null): boolean =>
  gate.bypass !== null && includes(role, gate.bypass);

/** All gates together. */
export function reportOn(gates: readonly Gate[], behind: number): GateReport {
  const closed = closedGates(gates);
  const moments = closed.map((gate) => gate.opensAt?.getTime() ?? Number.POSITIVE_INFINITY);
  const last = Math.max(...moments, 0);
  return {
    state: closed.length > 0 ? "closed" : behind > 0 ? "queued" : "open",
    gates: [...gates],
    behind,
    opensAt: closed.length > 0 && Number.isFinite(last) ? new Date(last) : null,
  };
}
