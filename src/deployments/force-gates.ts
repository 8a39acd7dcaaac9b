import type { Role } from "../access/role.ts";
import { DomainError, type ErrorCode } from "../kernel/errors.ts";
import type { ForcedGate, GateRule } from "./deployment.ts";
import { closedGates, type Gate, mayBypass } from "./gate.ts";

/** A wish to pass closed gates, and why; null: the caller's protocol has no place for a reason. */
export interface Force {
  readonly reason: string | null;
}

const CODES = {
  readiness: "RELEASE_NOT_READY",
  bad: "RELEASE_BAD",
  hold: "RELEASE_HELD",
  promotion: "PROMOTION_MISSING",
  freeze: "ENVIRONMENT_FROZEN",
  concurrency: "ENVIRONMENT_BUSY",
  permission: "FORBIDDEN",
} as const satisfies Record<GateRule, ErrorCode>;

/**
 * The closed gates that are passed by force: exactly these, whatever else closes later. Throws the code of the first that keeps
 * the way closed, and FORBIDDEN when this role may not pass one.
 */
export function passGates(gates: readonly Gate[], force: Force | null, role: Role | null): ForcedGate[] {
  const closed = closedGates(gates);
  const final = closed.find((gate) => force === null || gate.bypass === null);
  if (final) throw refusal(final, closed);
  const missing = closed.find((gate) => !mayBypass(gate, role));
  if (missing)
    throw new DomainError("FORBIDDEN", `Passing this needs the role ${missing.bypass}: ${missing.text}`, {
      needed: missing.bypass,
    });
  return closed.map(({ rule, subject }) => ({ rule, subject }));
}

function refusal(gate: Gate, closed: readonly Gate[]): DomainError {
  const when = gate.opensAt ? `; it opens at ${gate.opensAt.toISOString()}` : "";
  return new DomainError(CODES[gate.rule], sentence(`${gate.text}${when}`), { gates: closed });
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);
