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

/** Nobody reads more of them, and a hostile body has a million. */
const MAX_FIELD_ERRORS = 20;
const MAX_PATH_LENGTH = 200;

const unknownKeys = (issue: Issue): readonly string[] =>
  issue.keyword === "unrecognized_keys" && Array.isArray(issue.params["keys"])
    ? issue.params["keys"].slice(0, MAX_FIELD_ERRORS).filter((key) => typeof key === "string")
    : [];

/**
 * What a schema said of one part of a request (`body`, `params`, `querystring`): one entry for each wrong field, with the
 * first of its reasons; the first 20 of them.
 */
export function fieldErrors(issues: readonly Issue[], part: string): FieldError[] {
  const errors = issues.slice(0, MAX_FIELD_ERRORS).flatMap((issue): FieldError[] => {
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
  return errors
    .filter(({ path }, index) => errors.findIndex((error) => error.path === path) === index)
    .slice(0, MAX_FIELD_ERRORS)
    .map(({ path, message }) => ({ path: path.slice(0, MAX_PATH_LENGTH), message }));
}
