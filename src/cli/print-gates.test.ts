import { describe, expect, it } from "vitest";
import { type Gate, openGate, reportOn } from "../deployments/gate.ts";
import { gateLines } from "./print-gates.ts";

const closed = (gate: Partial<Gate>): Gate => ({ ...openGate("freeze", "frozen"), state: "closed", ...gate });
const lines = (gates: readonly Gate[], behind = 0): string[] =>
  gateLines("1.0 to shop/prod", reportOn(gates, behind));

describe("the answer to why", () => {
  it("says that a version can go out, or behind how many", () => {
    expect(lines([openGate("readiness", "1.0 is ready")])).toEqual([
      "Open: 1.0 to shop/prod can go out now.",
      "  ✓ readiness: 1.0 is ready",
    ]);
    expect(lines([], 2)).toEqual(["Open: 1.0 to shop/prod can go out, behind 2."]);
  });

  it("says until when, whom to ask and who may force it", () => {
    const opensAt = new Date(2026, 11, 20, 18);
    const [answer, line] = lines([closed({ opensAt, owner: "Ana", bypass: "admin" })]);
    expect(answer).toMatch(/^Closed: 1\.0 to shop\/prod cannot go out, until 2026-12-20 18:00 \S+\.$/);
    expect(line).toMatch(
      / {2}✗ freeze: frozen; opens 2026-12-20 18:00 \S+; ask Ana; role admin may force it$/,
    );
  });

  it("says the condition where there is no moment, and that there is more than one", () => {
    const [answer, hold] = lines([
      closed({ rule: "hold", text: "held", condition: "the hold is lifted" }),
      closed({ opensAt: new Date() }),
    ]);
    expect(answer).toBe("Closed: 1.0 to shop/prod cannot go out, until the hold is lifted, and more.");
    expect(hold).toBe("  ✗ hold: held; opens when the hold is lifted; nobody can force it");
  });

  it("lets no text of others act on a terminal", () => {
    expect(lines([closed({ text: "\u001b[2Jgone" })]).join("")).not.toContain("\u001b");
  });
});
