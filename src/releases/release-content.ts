import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";
import { Version } from "./release.ts";
import { ReleaseItem } from "./release-item.ts";

export const Packaging = z.enum(["manifests", "charts"]);
export type Packaging = z.output<typeof Packaging>;

/** Where the content came from: typed in by a client, read from an environment, or taken from another release. */
export const ReleaseSource = z.enum(["manual", "environment", "release"]);
export type ReleaseSource = z.output<typeof ReleaseSource>;

/** One service's YAML: as received, for ever; with the client's references; and with pinned ones. */
export const ReleaseManifest = z.object({
  serviceName: z.string(),
  receivedYaml: z.string(),
  /** References as the client sent them; null when nothing is rewritten (source manual). */
  wireYaml: z.string().nullable(),
  /** References as repository:tag@sha256:…; null until every image of the service is pinned or known unpinnable. */
  renderedYaml: z.string().nullable(),
});
export type ReleaseManifest = z.output<typeof ReleaseManifest>;

/** What one version put into a release. Its id is the Zadig version id. At most one per release is not deleted. */
export const ReleaseContent = z.object({
  id: Id,
  releaseId: Id,
  projectId: Id,
  version: Version,
  packaging: Packaging,
  source: ReleaseSource,
  environmentName: z.string(),
  production: z.boolean(),
  originalContentId: Id.nullable(),
  description: z.string(),
  labels: z.array(z.string()),
  targetConnectionId: Id.nullable(),
  /** What is attached to the images, such as signatures and SBOMs, is copied with them. */
  withReferrers: z.boolean(),
  createdBy: z.string(),
  createdAt: Instant,
});
export type ReleaseContent = z.output<typeof ReleaseContent>;

/** A content with all that it holds. */
export const FullContent = ReleaseContent.extend({
  manifests: z.array(ReleaseManifest),
  items: z.array(ReleaseItem),
});
export type FullContent = z.output<typeof FullContent>;
