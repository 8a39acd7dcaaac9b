import type { Command } from "commander";
import { type MatrixCell, type MatrixRow, ReadMatrix } from "../../api/contract/matrix.ts";
import { define, run } from "../define.ts";
import { stateText } from "../deployment-words.ts";
import { collect, type JsonOption, limited, type LimitOption } from "../options.ts";
import { printJson, printTable, shortTime } from "../output.ts";
import { firstItems } from "../pages.ts";
import { signedIn } from "../session.ts";

/** `headgate matrix`: what runs where. */
export function addMatrixCommand(program: Command): void {
  limited(
    define(program, "matrix", {
      summary: "Show what runs where: projects by key, and each one's environments in their order",
      examples: ["headgate matrix", "headgate matrix --project shop --project warehouse"],
    }),
  )
    .option("--project <key>", "only this one; may be repeated", collect)
    .action(run(matrix));
}

async function matrix(options: JsonOption & LimitOption & { readonly project?: string[] }): Promise<void> {
  const client = await signedIn();
  const projects = options.project?.join(",");
  const rows = await firstItems(options.limit, (page) =>
    client.call(ReadMatrix, { query: { ...page, ...(projects !== undefined && { projects }) } }),
  );
  if (options.json) return printJson(rows);
  printTable(
    ["PROJECT", "ENVIRONMENT", "TIER", "RUNS", "SINCE", "UNDER WAY", "FROZEN"],
    rows.flatMap(linesOf),
  );
}

const linesOf = ({ key, environments }: MatrixRow): string[][] =>
  environments.length === 0
    ? [[key, "", "", "", "", "", ""]]
    : environments.map((cell) => [
        key,
        cell.name,
        cell.tier,
        cell.current?.version ?? "",
        cell.current ? shortTime(cell.current.since) : "",
        activeText(cell),
        frozenText(cell),
      ]);

const activeText = ({ active }: MatrixCell): string =>
  active === null ? "" : `${active.number}: ${active.version}, ${stateText(active)}`;

const frozenText = ({ frozen }: MatrixCell): string =>
  frozen === null ? "" : `${frozen.by.join(", ")}${frozen.until ? `, until ${shortTime(frozen.until)}` : ""}`;
