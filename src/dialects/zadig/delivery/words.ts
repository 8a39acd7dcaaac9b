import type { DistributionStatus, StepStatus } from "../../../distributions/distribution.ts";
import type { Packaging, ReleaseSource } from "../../../releases/release-content.ts";

/** Zadig's word for each state of ours; a new state fails to compile until it has one. */
export const STATUS_WORDS = {
  creating: "creating",
  retrying: "retrying",
  success: "success",
  failed: "failed",
  cancelled: "failed",
} as const satisfies Record<DistributionStatus, string>;

export const IMAGE_STATUS_WORDS = {
  not_needed: "",
  waiting: "prepare",
  pinned: "prepare",
  copying: "running",
  verified: "passed",
  failed: "failed",
  cancelled: "cancelled",
} as const satisfies Record<StepStatus, string>;

export const SOURCE_WORDS = {
  manual: "manual",
  environment: "from_env",
  release: "from_version",
} as const satisfies Record<ReleaseSource, string>;

export const TYPE_WORDS = { manifests: "K8SYaml", charts: "HelmChart" } as const satisfies Record<
  Packaging,
  string
>;
