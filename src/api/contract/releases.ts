import * as z from "zod";
import { ServiceName } from "../../projects/service.ts";
import { Distribution, DistributionStatus, StepStatus } from "../../distributions/distribution.ts";
import { DistributionProgress, ItemProgress } from "../../distributions/distribution-progress.ts";
import { Digest } from "../../kernel/digest.ts";
import { Id } from "../../kernel/id.ts";
import { ProjectKey } from "../../projects/project.ts";
import { Referrer } from "../../releases/referrer.ts";
import { ReleaseContent, ReleaseSource } from "../../releases/release-content.ts";
import { ReleaseItem } from "../../releases/release-item.ts";
import { Version } from "../../releases/release.ts";
import { type Endpoint, FreeText, listOf, Nothing, PageQuery } from "./endpoint.ts";
import { ProjectInPath } from "./projects.ts";

export const ReleaseInPath = z.object({ release: Id.describe("the release's id") });

/** An image reference or a part of one, before it is read as such. */
const ImageText = z.string().max(512);
const TagText = z.string().max(128);

const NewImage = z.strictObject({
  containerName: z.string().min(1).max(128).describe("the container in the service's YAML"),
  imageName: z.string().max(255).default("").describe("the last part of the repository when left out"),
  sourceImage: ImageText.default("").describe("where the image is now; may carry the tag"),
  sourceTag: TagText.default(""),
  targetImage: ImageText.default("").describe(
    "where it goes; computed from the target connection when left out",
  ),
  targetTag: TagText.default(""),
  push: z.boolean().default(true).describe("copy it to the target; otherwise it is only pinned"),
});

const NewService = z.strictObject({
  name: ServiceName,
  yaml: z.string().max(1_048_576).default(""),
  images: z.array(NewImage).max(100).default([]),
});

/** How far the copy of a release is. */
const Progress = Distribution.pick({
  id: true,
  status: true,
  error: true,
  attempt: true,
  totalBytes: true,
  verifiedBytes: true,
  createdAt: true,
  endedAt: true,
}).extend({
  totalItems: z.int().describe("how many images are to be pushed"),
  verifiedItems: z.int().describe("how many of them are verified at their target"),
});

/** A line of a list: everything but YAML and images. */
export const ReleaseLine = ReleaseContent.omit({ releaseId: true, projectId: true })
  .extend({ project: ProjectKey, distribution: Progress })
  .meta({ id: "ReleaseSummary" });
export type ReleaseLine = z.output<typeof ReleaseLine>;

const ItemPart = ReleaseItem.omit({ source: true, target: true, sourceDigest: true }).extend({
  pinnedReference: z.string().nullable().describe("what will run: repository:tag@sha256:…"),
  status: StepStatus,
  error: z.string(),
  verifiedDigest: Digest.nullable().describe("the digest seen at the target after the copy"),
  referrers: z
    .array(Referrer)
    .readonly()
    .describe("signatures, SBOMs and the like that were attached when it was pinned, and are copied with it"),
});

export const ReleaseReply = ReleaseLine.extend({
  services: z.array(
    z.object({
      name: z.string(),
      receivedYaml: z.string().describe("as it was sent, for ever"),
      renderedYaml: z
        .string()
        .nullable()
        .describe("with pinned references; null until every image is settled"),
    }),
  ),
  items: z.array(ItemPart),
}).meta({ id: "Release" });
export type ReleaseReply = z.output<typeof ReleaseReply>;

export const DistributionReply = Progress.extend({
  ...DistributionProgress.pick({
    movingBytes: true,
    bytesPerSecond: true,
    secondsLeft: true,
    blobs: true,
  }).shape,
  releaseId: Id,
  project: ProjectKey,
  version: Version,
  items: z.array(
    ItemPart.extend(ItemProgress.pick({ totalBytes: true, movedBytes: true }).shape).extend({
      blobs: z.array(Digest).describe("the digests of its blobs; empty until it is pinned"),
    }),
  ),
}).meta({ id: "Distribution" });
export type DistributionReply = z.output<typeof DistributionReply>;

export const CreateRelease = {
  method: "POST",
  path: "/v1/projects/:project/releases",
  concept: "releases",
  summary: "Make a release; its images are pinned and copied in the background (releasers)",
  params: ProjectInPath,
  body: z.strictObject({
    version: Version,
    source: ReleaseSource.default("manual"),
    originalVersion: Version.nullable()
      .default(null)
      .describe("with source release: take the images pinned there"),
    environmentName: z.string().max(128).default(""),
    production: z.boolean().default(false),
    description: FreeText.default(""),
    labels: z.array(z.string().min(1).max(128)).max(50).default([]),
    targetConnection: z
      .string()
      .min(1)
      .max(64)
      .nullable()
      .default(null)
      .describe("id or name of the registry connection that images are pushed to; null when none is"),
    withReferrers: z
      .boolean()
      .nullable()
      .default(null)
      .describe(
        "copy what is attached to the images, such as signatures and SBOMs; null: as the project has it",
      ),
    services: z.array(NewService).max(200).default([]),
  }),
  status: 201,
  reply: ReleaseReply,
  idempotent: {},
} as const satisfies Endpoint;

export const ListReleases = {
  method: "GET",
  path: "/v1/projects/:project/releases",
  concept: "releases",
  summary: "List a project's releases, newest first",
  params: ProjectInPath,
  query: PageQuery.extend({
    status: DistributionStatus.optional().describe("of the release's distribution"),
    label: z.string().min(1).max(128).optional(),
  }),
  status: 200,
  reply: listOf(ReleaseLine),
} as const satisfies Endpoint;

export const GetReleaseByVersion = {
  method: "GET",
  path: "/v1/projects/:project/releases/:version",
  concept: "releases",
  summary: "Show the release of a version, with pinned digests and rendered YAML",
  params: ProjectInPath.extend({ version: Version }),
  status: 200,
  reply: ReleaseReply,
} as const satisfies Endpoint;

export const GetRelease = {
  method: "GET",
  path: "/v1/releases/:release",
  concept: "releases",
  summary: "Show one release, with pinned digests and rendered YAML",
  params: ReleaseInPath,
  status: 200,
  reply: ReleaseReply,
} as const satisfies Endpoint;

export const DeleteRelease = {
  method: "DELETE",
  path: "/v1/releases/:release",
  concept: "releases",
  summary: "Delete a release; a copy under way is cancelled first, copied images stay (project admins)",
  params: ReleaseInPath,
  status: 204,
  reply: Nothing,
} as const satisfies Endpoint;

export const ListLabels = {
  method: "GET",
  path: "/v1/projects/:project/release-labels",
  concept: "releases",
  summary: "List the labels of a project's releases",
  params: ProjectInPath,
  status: 200,
  reply: z.object({ items: z.array(z.string()) }),
} as const satisfies Endpoint;
