import type { Answer } from "./answers.ts";

const numberOf = (text: string | null, most: number): number => {
  const number = Number(text ?? Number.NaN);
  return Number.isInteger(number) && number > 0 ? Math.min(number, most) : Number.NaN;
};

/** A page of a list, as the query asks, with `Link` to the others. */
export function listAnswer(url: URL, name: string, all: readonly unknown[]): Answer {
  const size = numberOf(url.searchParams.get("per_page"), 100) || 30;
  const page = numberOf(url.searchParams.get("page"), Infinity) || 1;
  const last = Math.max(1, Math.ceil(all.length / size));
  const to = (number: number, rel: string): string => {
    const other = new URL(url);
    other.searchParams.set("page", String(number));
    return `<${other.href}>; rel="${rel}"`;
  };
  const links = [
    ...(page > 1 ? [to(page - 1, "prev"), to(1, "first")] : []),
    ...(page < last ? [to(page + 1, "next"), to(last, "last")] : []),
  ];
  return {
    status: 200,
    body: { total_count: all.length, [name]: all.slice((page - 1) * size, page * size) },
    headers: links.length > 0 ? { link: links.join(", ") } : {},
  };
}

/** Whether a moment is in GitHub's notation of a range: `>=x`, `<=x`, `>x`, `<x`, `x..y`. */
export function isWithin(at: Date, range: string): boolean {
  const seconds = (text: string): number => Math.floor(Date.parse(text) / 1000);
  const moment = Math.floor(at.getTime() / 1000);
  const [from = "", to] = range.split("..");
  if (to !== undefined) return moment >= seconds(from) && moment <= seconds(to);
  const [, sign = "", text = ""] = /^(>=|<=|>|<|)(.*)$/.exec(range) ?? [];
  const bound = seconds(text);
  const signs: Readonly<Record<string, boolean>> = {
    ">=": moment >= bound,
    "<=": moment <= bound,
    ">": moment > bound,
    "<": moment < bound,
  };
  return signs[sign] ?? moment === bound;
}
