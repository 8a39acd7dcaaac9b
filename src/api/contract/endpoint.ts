import * as z from "zod";
import { Cursor } from "../../kernel/page.ts";

/** One operation of `/v1`: all that the server, the client and the OpenAPI document need to know of it. */
export interface Endpoint {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** With `:name` parts, below the server's address. */
  readonly path: `/v1/${string}`;
  /** The concept it belongs to, as the reference page groups them. */
  readonly concept: string;
  readonly summary: string;
  readonly params?: z.ZodObject;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodObject;
  /** What a success answers; 204 has the reply `Nothing`. */
  readonly status: 200 | 201 | 202 | 204;
  readonly reply: z.ZodType;
  /** Answered without a token. */
  readonly open?: true;
  /** Takes an Idempotency-Key; `secret` is the field of the reply that a replay leaves out. */
  readonly idempotent?: { readonly secret?: string };
}

/** The reply of what has nothing to say. */
export const Nothing = z.void();

export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 200;

/** What every list takes. */
export const PageQuery = z.strictObject({
  after: Cursor.optional().describe("`next` of the page before"),
  limit: z.coerce
    .number<string | number>()
    .int()
    .min(1)
    .max(MAX_PAGE_SIZE)
    .default(DEFAULT_PAGE_SIZE)
    .describe("how many items at most"),
});

/** A page of a list; `next` goes into `after`, null on the last page. */
export const listOf = <Item extends z.ZodType>(item: Item) =>
  z.object({ items: z.array(item).readonly(), next: z.string().nullable() });

/** Text that people write about something. */
export const FreeText = z.string().max(4096);
