import * as z from "zod";

/** A page of a list by number, as Zadig clients ask for it; `number` counts from 1. */
export interface NumberedPage {
  readonly number: number;
  readonly size: number;
}

/** One page of a list by cursor; `next` is null on the last page. */
export interface CursorPage<Item> {
  readonly items: readonly Item[];
  readonly next: string | null;
}

/** A place in a list ordered by (created at, id), newest first. */
export const Cursor = z.codec(z.string().max(200), z.object({ at: z.int(), id: z.string() }), {
  decode: (text, context) => {
    const match = /^(\d{1,16})\.([0-9A-Za-z_-]{1,64})$/.exec(Buffer.from(text, "base64url").toString());
    if (match?.[1] && match[2]) return { at: Number(match[1]), id: match[2] };
    context.issues.push({ code: "custom", message: "not a cursor of this list", input: text });
    return z.NEVER;
  },
  encode: ({ at, id }) => Buffer.from(`${at}.${id}`).toString("base64url"),
});
export type Cursor = z.output<typeof Cursor>;

/** What a caller asks of a list by cursor. */
export interface CursorRequest {
  readonly after: Cursor | null;
  readonly limit: number;
}

/** Cuts one row too many off a list and says where the next page begins. */
export function cutPage<Item>(
  rows: readonly Item[],
  limit: number,
  place: (item: Item) => Cursor,
): CursorPage<Item> {
  const items = rows.slice(0, limit);
  const last = items.at(-1);
  return { items, next: rows.length > limit && last ? z.encode(Cursor, place(last)) : null };
}
