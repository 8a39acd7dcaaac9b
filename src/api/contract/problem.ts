import * as z from "zod";

/** Every refusal of `/v1` (RFC 9457, application/problem+json). */
export const Problem = z
  .object({
    type: z.string().describe("urn:headgate:error:<code>, stable"),
    title: z.string(),
    status: z.int(),
    detail: z.string().describe("what went wrong, and what to do"),
    errors: z
      .array(z.object({ path: z.string(), message: z.string() }))
      .optional()
      .describe("the fields that are wrong; an empty path is the whole body"),
    requestId: z.string().describe("also in the log"),
  })
  .meta({ id: "Problem" });
export type Problem = z.output<typeof Problem>;

const PREFIX = "urn:headgate:error:";

export const problemType = (code: string): string => `${PREFIX}${code}`;

/** The code inside a problem's type: `PROJECT_NOT_FOUND`. */
export const problemCode = (problem: Problem): string => problem.type.replace(PREFIX, "");
