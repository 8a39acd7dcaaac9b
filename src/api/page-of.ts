import type * as z from "zod";
import type { CursorRequest } from "../kernel/page.ts";
import type { PageQuery } from "./contract/endpoint.ts";

/** What a list's query asks for, as use cases want it. */
export const pageOf = (query: z.output<typeof PageQuery>): CursorRequest => ({
  after: query.after ?? null,
  limit: query.limit,
});
