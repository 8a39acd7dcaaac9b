/** An answer before it is written out. */
export interface Answer {
  readonly status: number;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** An answer that is an error, in GitHub's form. */
export const refusal = (status: number, message: string): Answer => ({
  status,
  body: { message, documentation_url: "https://docs.github.com/rest", status: String(status) },
});

/** What GitHub says of all that is not there or not visible. */
export const NOT_FOUND = refusal(404, "Not Found");
