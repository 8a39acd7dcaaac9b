import * as z from "zod";
import { Distribution, FullDistribution } from "../distributions/distribution.ts";
import { Id } from "../kernel/id.ts";
import { Referrer } from "./referrer.ts";
import { FullContent, ReleaseContent } from "./release-content.ts";

/** A release as its readers see it: what it contains and how far its copy is. */
export const ReleaseView = z.object({
  projectKey: z.string(),
  content: FullContent,
  distribution: FullDistribution,
  /** Bytes of blobs that are on their way and not verified yet; 0 when nothing moves. */
  movingBytes: z.int(),
  /** What is attached to the images and copied with them, by the item's id. */
  referrers: z.map(Id, z.array(Referrer).readonly()).readonly(),
});
export type ReleaseView = z.output<typeof ReleaseView>;

/** A line of a list: without YAML and images, with how many images are verified of those to push. */
export const ReleaseSummary = z.object({
  projectKey: z.string(),
  content: ReleaseContent,
  distribution: Distribution,
  verified: z.int(),
  total: z.int(),
});
export type ReleaseSummary = z.output<typeof ReleaseSummary>;
