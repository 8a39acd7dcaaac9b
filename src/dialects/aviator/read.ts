import type { FastifyRequest } from "fastify";
import type * as z from "zod";
import type { Force } from "../../deployments/force-gates.ts";
import type { NumberedPage } from "../../kernel/page.ts";
import { BadRequest } from "./errors.ts";

/** Which environment of which project an address names; both by name, and case counts. */
export interface InEnvironment {
  readonly project: { readonly name: string };
  readonly environment: string;
}

const param = (request: FastifyRequest, name: string): string =>
  (request.params as Readonly<Record<string, string>>)[name] ?? "";

export const projectIn = (request: FastifyRequest) => ({ name: param(request, "project") });
export const versionIn = (request: FastifyRequest): string => param(request, "version");
export const placeIn = (request: FastifyRequest): InEnvironment => ({
  project: projectIn(request),
  environment: param(request, "environment"),
});

/** Fields that are refused in words that clients know: those of the address and of bodies. */
const WORDS: Readonly<Record<string, string>> = {
  version: "Invalid release candidate version",
  release_candidate_version: "Invalid release candidate version",
  status: "Invalid deployment status",
};

/** The refusal of a request for one of its fields; without a field for all of it. */
export const badField = (path: string, message: string): BadRequest =>
  new BadRequest(WORDS[path] ?? (path === "" ? message : `${path}: ${message}`));

/** A body in shape; none is an empty one. Of several wrong fields the first of the schema is named. */
export function readBody<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw badField(issue?.path.join(".") ?? "", issue?.message ?? "not valid");
}

/** `force` of a body; Aviator's clients give no reason. */
export const forceIn = (body: { readonly force: boolean; readonly reason: string | null }): Force | null =>
  body.force ? { reason: body.reason ?? "none given (Aviator API)" } : null;

const DEFAULT_PAGE_SIZE = 10;
const MAX_PAGE_SIZE = 100;

/** What is no number above 0 counts as not given, and more than 100 as 100 (notes, section 2.5). */
export function pageIn(request: FastifyRequest): NumberedPage {
  const query = request.query as Readonly<Record<string, unknown>>;
  return {
    number: wholeNumber(query["page"]) ?? 1,
    size: Math.min(wholeNumber(query["per_page"]) ?? DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE),
  };
}

/** Far behind the end of any list. */
const MAX_PAGE = 1_000_000_000;

function wholeNumber(value: unknown): number | null {
  if (typeof value !== "string" || !/^\d+$/.test(value)) return null;
  const number = Math.min(Number(value), MAX_PAGE);
  return number > 0 ? number : null;
}
