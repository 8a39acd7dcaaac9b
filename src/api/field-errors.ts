/** One wrong field: where it is, as a person writes it (`services.0.name`), and why. */
export interface FieldError {
  readonly path: string;
  readonly message: string;
}

interface Issue {
  readonly keyword: string;
  readonly instancePath: string;
  readonly message?: string | undefined;
  readonly params: Record<string, unknown>;
}

const unknownKeys = (issue: Issue): readonly string[] =>
  issue.keyword === "unrecognized_keys" && Array.isArray(issue.params["keys"])
    ? issue.params["keys"].filter((key) => typeof key === "string")
    : [];

/**
 * What a schema said of one part of a request (`body`, `params`, `querystring`): one entry for each wrong field, with the
 * first of its reasons.
 */
export function fieldErrors(issues: readonly Issue[], part: string): FieldError[] {
  const errors = issues.flatMap((issue): FieldError[] => {
    const at = issue.instancePath.split("/").filter((step) => step !== "");
    const unknown = unknownKeys(issue);
    if (unknown.length > 0)
      return unknown.map((key) => ({
        path: [...at, key].join("."),
        message: "is not a field of this request",
      }));
    if (at.length === 0 && part === "body")
      return [{ path: "", message: "The body must be a JSON object (Content-Type: application/json)" }];
    return [{ path: at.join("."), message: issue.message ?? "is not valid" }];
  });
  return errors.filter(({ path }, index) => errors.findIndex((error) => error.path === path) === index);
}
