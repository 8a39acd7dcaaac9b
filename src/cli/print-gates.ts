import { closedGates, type Gate, type GateReport } from "../deployments/gate.ts";
import { coloured, harmless, print, shortTime } from "./output.ts";

/** Whether a version can go out, for people: the answer, then one line for each gate and what opens it. */
export function printGates(what: string, report: GateReport): void {
  for (const line of gateLines(what, report)) print(line);
}

/** The lines of the answer. */
export const gateLines = (what: string, report: GateReport): string[] => [
  answerText(what, report),
  ...report.gates.map(gateLine),
];

function answerText(what: string, { state, gates, behind, opensAt }: GateReport): string {
  switch (state) {
    case "open":
      return `${coloured("green", "Open")}: ${harmless(what)} can go out now.`;
    case "queued":
      return `${coloured("yellow", "Open")}: ${harmless(what)} can go out, behind ${behind}.`;
    case "closed": {
      const [first] = closedGates(gates);
      const when = opensAt
        ? `, until ${momentText(opensAt)}`
        : first?.condition
          ? `, until ${first.condition}`
          : "";
      const more = closedGates(gates).length > 1 && !opensAt ? ", and more" : "";
      return `${coloured("red", "Closed")}: ${harmless(what)} cannot go out${harmless(when)}${more}.`;
    }
  }
}

/** With its zone: whoever waits for it may be elsewhere. */
function momentText(moment: Date): string {
  const zone = new Intl.DateTimeFormat("en", { timeZoneName: "short" })
    .formatToParts(moment)
    .find(({ type }) => type === "timeZoneName")?.value;
  return `${shortTime(moment)} ${zone ?? ""}`.trimEnd();
}

function gateLine(gate: Gate): string {
  if (gate.state === "open") return `  ${coloured("green", "✓")} ${gate.rule}: ${harmless(gate.text)}`;
  const opens = gate.opensAt
    ? [`opens ${momentText(gate.opensAt)}`]
    : gate.condition
      ? [`opens when ${gate.condition}`]
      : [];
  const facts = [
    ...opens,
    ...(gate.owner === null ? [] : [`ask ${gate.owner}`]),
    gate.bypass === null ? "nobody can force it" : `role ${gate.bypass} may force it`,
  ];
  return `  ${coloured("red", "✗")} ${gate.rule}: ${harmless(gate.text)}; ${harmless(facts.join("; "))}`;
}
