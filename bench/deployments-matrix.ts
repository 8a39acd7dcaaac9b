import { sql } from "kysely";
import { MatrixRow, ReadMatrix } from "../src/api/contract/matrix.ts";
import type { Database } from "../src/storage/database.ts";
import * as z from "zod";
import { PROJECTS } from "./deployments-fill.ts";
import { ONE_ROW } from "./deployments-pages.ts";
import { type Call, mustBe } from "./support/calls.ts";

const NAME = "a cell of the matrix";
const CELL_AT_MOST = 2.5;
const Answer = z.object({ items: z.array(MatrixRow) });

/** What runs in every environment of every project, by what one cell costs. */
export async function prepareMatrix(db: Database): Promise<Call> {
  const cells = await listRunning(db);
  return {
    name: NAME,
    path: `${ReadMatrix.path}?limit=${PROJECTS}`,
    peer: ONE_ROW,
    atMost: CELL_AT_MOST,
    parts: cells.size,
    check: (answer) => {
      const told = Answer.parse(answer).items.flatMap(({ key, environments }) =>
        environments.map(({ name, current }) => [`${key}/${name}`, current?.number ?? 0] as const),
      );
      mustBe(NAME, told.length, cells.size);
      for (const [cell, number] of told) mustBe(cell, number, cells.get(cell) ?? Number.NaN);
    },
  };
}

/** The newest success of each environment by the deployments alone; 0: none. */
async function listRunning(db: Database): Promise<ReadonlyMap<string, number>> {
  const { rows } = await sql<{ cell: string; number: number }>`
    select project.key || '/' || environment.name as cell, coalesce(newest.number, 0) as number
    from environments as environment join projects as project on project.id = environment.project_id
    left join (select environment_id, max(number) as number from deployments where status = 'success'
      group by environment_id) as newest on newest.environment_id = environment.id`.execute(db);
  return new Map(rows.map(({ cell, number }) => [cell, number]));
}
