import type { FastifyRequest } from "fastify";
import * as z from "zod";
import type { NumberedPage } from "../../../kernel/page.ts";
import { BadRequest } from "../errors.ts";

type Query = Readonly<Record<string, unknown>>;

/** One value of the query; a repeated one counts once, as in Zadig. Empty when it is missing. */
export function queryText(request: FastifyRequest, name: string): string {
  const value = (request.query as Query)[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" ? first : "";
}

const PAGE_SIZE_MAX = 1000;
const DEFAULT_PAGE_SIZE = 20;

/** What the list needs, refused with the texts that Zadig's binder gives (notes 1.4). */
export function listQuery(request: FastifyRequest): {
  readonly projectKey: string;
  readonly page: NumberedPage;
} {
  const projectKey = queryText(request, "projectKey");
  const number = wholeNumber(queryText(request, "pageNum"));
  const size = wholeNumber(queryText(request, "pageSize"));
  const missing = [
    ...(projectKey === "" ? ["ProjectKey"] : []),
    ...(number === 0 ? ["PageNum"] : []),
    ...(size === 0 ? ["PageSize"] : []),
  ];
  if (missing.length > 0) throw new BadRequest(missing.map(requiredText).join("\n"));
  if (size > PAGE_SIZE_MAX) throw new BadRequest(`pageSize must be at most ${PAGE_SIZE_MAX}`);
  return {
    projectKey,
    page: { number: number < 0 ? 1 : number, size: size < 0 ? DEFAULT_PAGE_SIZE : size },
  };
}

const requiredText = (field: string): string =>
  `Key: 'OpenAPIListDeliveryVersionRequest.${field}' Error:Field validation for '${field}' failed on the 'required' tag`;

/** Missing and empty count as 0, as in Zadig. */
function wholeNumber(text: string): number {
  if (text === "") return 0;
  if (!/^[+-]?\d+$/.test(text))
    throw new BadRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`);
  const value = Number(text);
  if (!Number.isSafeInteger(value))
    throw new BadRequest(`strconv.ParseInt: parsing ${JSON.stringify(text)}: value out of range`);
  return value;
}

/** A body in shape, or a 400 that names the first wrong field. */
export function readBody<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  if (value === undefined) throw new BadRequest("EOF");
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const path = issue?.path.join(".") ?? "";
  throw new BadRequest(
    path === "" ? (issue?.message ?? "not valid") : `${path}: ${issue?.message ?? "not valid"}`,
  );
}
