import { type RawBuilder, sql } from "kysely";
import type { Cursor } from "../kernel/page.ts";

/** For a list by (created_at, id), newest first: the rows behind the cursor; all of them when there is none. */
export const olderThan = (after: Cursor | null): RawBuilder<boolean> =>
  after === null ? sql<boolean>`1 = 1` : sql<boolean>`(created_at, id) < (${after.at}, ${after.id})`;
