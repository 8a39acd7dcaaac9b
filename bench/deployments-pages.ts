import { sql } from "kysely";
import * as z from "zod";
import type { Database } from "../src/storage/database.ts";
import { MEASURED } from "./deployments-fill.ts";
import { type Call, mustBe } from "./support/calls.ts";

const FIRST = "page 1";
/** The name of the call that a cell is compared with. */
export const ONE_ROW = "a row of a page of 100";
const PAGE_AT_MOST = 3;
const Rows = z.array(z.object({ id: z.number() }));

/** Pages of the measured environment's deployments, with what a plain `offset` says that they hold. */
export async function preparePages(db: Database): Promise<readonly Call[]> {
  const total = await totalOf(db);
  const deep = Math.min(5000, Math.floor(total / 10));
  const last = Math.ceil(total / 10);
  return [
    await page(db, { name: FIRST, number: 1, size: 10, peer: null }),
    await page(db, { name: `page ${deep}`, number: deep, size: 10, peer: FIRST }),
    await page(db, { name: "the last page", number: last, size: 10, peer: FIRST }),
  ];
}

/** A page of 100, by what one of its rows costs. */
export const prepareRow = async (db: Database): Promise<Call> => ({
  ...(await page(db, { name: ONE_ROW, number: 1, size: 100, peer: null })),
  parts: 100,
});

interface Page {
  readonly name: string;
  readonly number: number;
  readonly size: number;
  readonly peer: string | null;
}

async function page(db: Database, { name, number, size, peer }: Page): Promise<Call> {
  const total = await totalOf(db);
  const { rows } = await sql<{ number: number }>`
    select deployment.number from ${IN_MEASURED}
    order by deployment.environment_number desc limit ${size} offset ${(number - 1) * size}`.execute(db);
  const path = `/api/releases/${encodeURIComponent(MEASURED.project)}/environments/${MEASURED.environment}/deployments`;
  return {
    name,
    path: `${path}?page=${number}&per_page=${size}`,
    peer,
    atMost: peer === null ? null : PAGE_AT_MOST,
    check: (answer, headers) => {
      mustBe(name, Number(headers.get("x-total-count")), total);
      const told = Rows.parse(answer).map(({ id }) => id);
      mustBe(name, told.join(), rows.map((row) => row.number).join());
    },
  };
}

const IN_MEASURED = sql`deployments as deployment
  join environments as environment on environment.id = deployment.environment_id
  join projects as project on project.id = environment.project_id
  where project.key = ${MEASURED.key} and environment.name = ${MEASURED.environment}`;

async function totalOf(db: Database): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${IN_MEASURED}`.execute(db);
  return rows[0]?.count ?? 0;
}
