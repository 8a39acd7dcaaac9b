import type { DistributionStatus } from "../distributions/distribution.ts";

/** Which of a project's releases a list shows; null leaves all. */
export interface ReleaseFilter {
  readonly projectId: string;
  readonly status: DistributionStatus | null;
  readonly label: string | null;
}

/** The name under which the releases of a filter are counted: `success`, `=stable`, `success=stable`; all: empty. */
export const filterKey = (filter: {
  readonly status: string | null;
  readonly label: string | null;
}): string => `${filter.status ?? ""}${filter.label === null ? "" : `=${filter.label}`}`;

/** The keys of every filter that shows a release of this status with these labels, each once. */
export const filterKeysOf = (status: string, labels: readonly string[]): readonly string[] =>
  [null, ...new Set(labels)].flatMap((label) => [
    filterKey({ status: null, label }),
    filterKey({ status, label }),
  ]);
