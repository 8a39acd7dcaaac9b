import * as z from "zod";
import { DomainError } from "./errors.ts";

/** Nobody reads more of them. */
const MAX_PROBLEMS = 20;

/** What a caller sent, in shape. Throws INPUT_INVALID with a text that names the first wrong field. */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const result = schema.safeParse(input);
  if (result.success) return result.data;
  const problems = result.error.issues
    .slice(0, MAX_PROBLEMS)
    .map((issue) => `${issue.path.join(".")}: ${issue.message}`);
  throw new DomainError("INPUT_INVALID", problems[0]?.replace(/^: /, ""), { problems });
}
