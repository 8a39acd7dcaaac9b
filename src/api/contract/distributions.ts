import * as z from "zod";
import { Id } from "../../kernel/id.ts";
import { type Endpoint, listOf } from "./endpoint.ts";
import { DistributionReply, ReleaseInPath } from "./releases.ts";

export const ListDistributions = {
  method: "GET",
  path: "/v1/releases/:release/distributions",
  concept: "distributions",
  summary: "List the distributions of a release: how its images get to their target",
  params: ReleaseInPath,
  status: 200,
  reply: listOf(DistributionReply),
} as const satisfies Endpoint;

export const GetDistribution = {
  method: "GET",
  path: "/v1/releases/:release/distributions/:distribution",
  concept: "distributions",
  summary: "Show how far a distribution is, image by image",
  params: ReleaseInPath.extend({ distribution: Id }),
  status: 200,
  reply: DistributionReply,
} as const satisfies Endpoint;

export const RetryDistribution = {
  method: "POST",
  path: "/v1/releases/:release/retry",
  concept: "distributions",
  summary: "Try the failed images of a release again (releasers)",
  params: ReleaseInPath,
  status: 202,
  reply: z.object({ id: Id, releaseId: Id, status: DistributionReply.shape.status, attempt: z.int() }),
  idempotent: {},
} as const satisfies Endpoint;
