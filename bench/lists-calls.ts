import { sql } from "kysely";
import * as z from "zod";
import { Cursor } from "../src/kernel/page.ts";
import type { Database } from "../src/storage/database.ts";
import { PROJECT_KEY } from "../test/support/many-releases.ts";
import { type Call, mustBe } from "./support/calls.ts";

interface Filter {
  readonly status?: string;
  readonly label?: string;
}

const PAGE_SIZE = 20;
const NUMBERED = "numbered: first page";
const BY_CURSOR = "/v1: first page";
const AT_MOST = 3;

/** What is asked for in each round, with what a plain `count` and `offset` say that it must answer. */
export async function prepareCalls(db: Database): Promise<readonly Call[]> {
  const all = await countOf(db, {});
  const failed = { status: "failed" };
  const stable = { label: "stable" };
  const both = { status: "failed", label: "nightly" };
  const deep = Math.min(10_000, Math.ceil(all / PAGE_SIZE));
  return [
    await numbered(db, NUMBERED, {}, 1),
    await numbered(db, `numbered: page ${deep}`, {}, deep),
    await numbered(db, "numbered: by status", failed, 1),
    await numbered(db, "numbered: by status, last page", failed, await lastPage(db, failed)),
    await numbered(db, "numbered: by label", stable, 1),
    await numbered(db, "numbered: by label, last page", stable, await lastPage(db, stable)),
    await numbered(db, "numbered: by status and label", both, 1),
    await numbered(db, "numbered: by status and label, last page", both, await lastPage(db, both)),
    await byCursor(db, BY_CURSOR, {}, 0),
    await byCursor(db, `/v1: behind release ${(deep - 1) * PAGE_SIZE}`, {}, (deep - 1) * PAGE_SIZE),
    await byCursor(db, "/v1: by status", failed, 0),
    await byCursor(db, "/v1: by label, behind the half", stable, Math.floor((await countOf(db, stable)) / 2)),
    await labels(db),
  ];
}

const lastPage = async (db: Database, filter: Filter): Promise<number> =>
  Math.ceil((await countOf(db, filter)) / PAGE_SIZE);

async function numbered(db: Database, name: string, filter: Filter, page: number): Promise<Call> {
  const total = await countOf(db, filter);
  const rows = await rowsOf(db, filter, (page - 1) * PAGE_SIZE, PAGE_SIZE);
  const query = { projectKey: PROJECT_KEY, pageNum: String(page), pageSize: String(PAGE_SIZE), ...filter };
  return {
    name,
    path: `/openapi/delivery/releases?${new URLSearchParams(query).toString()}`,
    ...(name === NUMBERED ? { peer: null, atMost: null } : { peer: NUMBERED, atMost: AT_MOST }),
    check: (answer) => {
      const { list, total: told } = NumberedAnswer.parse(answer);
      mustBe(name, told, total);
      mustBe(name, list.map(({ id }) => id).join(), rows.map(({ id }) => id).join());
    },
  };
}

async function byCursor(db: Database, name: string, filter: Filter, skip: number): Promise<Call> {
  const rows = await rowsOf(db, filter, Math.max(skip - 1, 0), PAGE_SIZE + 1);
  const expected = skip === 0 ? rows.slice(0, PAGE_SIZE) : rows.slice(1);
  const before = skip === 0 ? undefined : rows[0];
  const query = {
    limit: String(PAGE_SIZE),
    ...filter,
    ...(before ? { after: z.encode(Cursor, before) } : {}),
  };
  return {
    name,
    path: `/v1/projects/${PROJECT_KEY}/releases?${new URLSearchParams(query).toString()}`,
    ...(name === BY_CURSOR ? { peer: null, atMost: null } : { peer: BY_CURSOR, atMost: AT_MOST }),
    check: (answer) => {
      const { items } = CursorAnswer.parse(answer);
      mustBe(name, items.map(({ id }) => id).join(), expected.map(({ id }) => id).join());
    },
  };
}

async function labels(db: Database): Promise<Call> {
  const { rows } = await sql<{ label: string }>`
    select distinct label.label from release_labels as label
    join release_contents as content on content.id = label.content_id
    join projects as project on project.id = content.project_id where project.key = ${PROJECT_KEY}
    order by label.label`.execute(db);
  const name = "/v1: names of the labels";
  return {
    name,
    path: `/v1/projects/${PROJECT_KEY}/release-labels`,
    peer: BY_CURSOR,
    atMost: AT_MOST,
    check: (answer) =>
      mustBe(name, LabelsAnswer.parse(answer).items.join(), rows.map(({ label }) => label).join()),
  };
}

const Line = z.object({ id: z.string() });
const NumberedAnswer = z.object({ list: z.array(Line), total: z.number() });
const CursorAnswer = z.object({ items: z.array(Line) });
const LabelsAnswer = z.object({ items: z.array(z.string()) });

/** What is in a list by the tables alone that lists do not read: labels and distributions. */
const listed = ({ status, label }: Filter) => sql`
  release_contents as content join projects as project on project.id = content.project_id
  where project.key = ${PROJECT_KEY} and content.deleted_at is null
  ${status === undefined ? sql`` : sql`and content.id in (select content_id from distributions where status = ${status})`}
  ${label === undefined ? sql`` : sql`and content.labels_json like ${`%"${label}"%`}`}`;

async function countOf(db: Database, filter: Filter): Promise<number> {
  const { rows } = await sql<{ count: number }>`select count(*) as count from ${listed(filter)}`.execute(db);
  return rows[0]?.count ?? 0;
}

async function rowsOf(db: Database, filter: Filter, skip: number, limit: number) {
  const { rows } = await sql<{ id: string; at: number }>`
    select content.id, content.created_at as at from ${listed(filter)}
    order by content.created_at desc, content.id desc limit ${limit} offset ${skip}`.execute(db);
  return rows;
}
