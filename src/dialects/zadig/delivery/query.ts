import type { FastifyRequest } from "fastify";
import * as z from "zod";
import type { NumberedPage } from "../../../kernel/page.ts";
import { BadRequest } from "../errors.ts";
import { STATUS_WORDS } from "./words.ts";

type Query = Readonly<Record<string, unknown>>;

/** One value of the query; a repeated one counts once, as in Zadig. Empty when it is missing. */
export function queryText(request: FastifyRequest, name: string): string {
  const value = (request.query as Query)[name];
  const first: unknown = Array.isArray(value) ? value[0] : value;
  return typeof first === "string" ? first : "";
}

const LISTED_STATUSES = ["creating", "retrying", "success", "failed"] as const;
type ListedStatus = (typeof LISTED_STATUSES)[number];

const PAGE_SIZE_MAX = 1000;
const DEFAULT_PAGE_SIZE = 20;

interface ListQuery {
  readonly projectKey: string;
  readonly page: NumberedPage;
  readonly status: ListedStatus | null;
  readonly label: string | null;
}

/**
 * What the list needs, refused with the texts that Zadig's binder gives (notes 1.4); `status` and `label` are ours.
 */
export function listQuery(request: FastifyRequest): ListQuery {
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
    status: listedStatus(queryText(request, "status")),
    label: queryText(request, "label") || null,
  };
}

/** One of the words that a list can show; a version that was cancelled is deleted. */
function listedStatus(text: string): ListedStatus | null {
  if (text === "") return null;
  const word = LISTED_STATUSES.find((status) => STATUS_WORDS[status] === text);
  if (!word) throw new BadRequest(`status must be one of ${LISTED_STATUSES.join(", ")}`);
  return word;
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
