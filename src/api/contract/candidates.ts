import * as z from "zod";
import { ProjectKey, RepositorySlug } from "../../projects/project.ts";
import { BadMark } from "../../releases/bad-mark.ts";
import { ReleaseCandidate } from "../../releases/release-candidate.ts";
import { type Endpoint, listOf, Nothing, PageQuery } from "./endpoint.ts";
import { ProjectInPath } from "./projects.ts";
import { RunPart } from "./workflows.ts";

/** A candidate's version, or that of a release without candidates; what is none is unknown. */
export const VersionText = z.string().min(1).max(200);

/** A line of a list. */
export const CandidateLine = ReleaseCandidate.omit({
  releaseId: true,
  projectId: true,
  createdByUserId: true,
})
  .extend({
    project: ProjectKey,
    isBad: z.boolean().describe("somebody said that it must not be deployed"),
  })
  .meta({ id: "CandidateSummary" });
export type CandidateLine = z.output<typeof CandidateLine>;

const BadMarkReply = BadMark.omit({ projectId: true })
  .extend({ project: ProjectKey })
  .meta({ id: "BadMark" });

export const CandidateReply = CandidateLine.extend({
  badMark: BadMarkReply.nullable(),
  runs: z.array(RunPart).readonly().describe("the attempts to build it, oldest first"),
}).meta({ id: "Candidate" });
export type CandidateReply = z.output<typeof CandidateReply>;

export const CutCandidate = {
  method: "POST",
  path: "/v1/projects/:project/candidates",
  concept: "candidates",
  summary:
    "Cut a candidate of a release from a commit; the same again changes nothing but starts a build that did not succeed (releasers)",
  params: ProjectInPath,
  body: z.strictObject({
    version: VersionText.describe("<release version>-rc<number>"),
    commit: z.string().min(1).max(64).describe("the hash of a commit, or the beginning of one"),
    build: z.boolean().default(false).describe("start the project's build; otherwise it is ready at once"),
    repository: RepositorySlug.nullable()
      .default(null)
      .describe("org/name, which can only be the project's own; left out: that one"),
  }),
  status: 201,
  reply: CandidateLine.extend({ isNew: z.boolean().describe("this call made it") }).meta({
    id: "CutCandidate",
  }),
  idempotent: {},
} as const satisfies Endpoint;

export const ListCandidates = {
  method: "GET",
  path: "/v1/projects/:project/candidates",
  concept: "candidates",
  summary: "List a project's candidates, newest first",
  params: ProjectInPath,
  query: PageQuery,
  status: 200,
  reply: listOf(CandidateLine),
} as const satisfies Endpoint;

export const GetCandidate = {
  method: "GET",
  path: "/v1/projects/:project/candidates/:version",
  concept: "candidates",
  summary: "Show one candidate, with the attempts to build it",
  params: ProjectInPath.extend({ version: VersionText }),
  status: 200,
  reply: CandidateReply,
} as const satisfies Endpoint;

export const MarkBad = {
  method: "PUT",
  path: "/v1/projects/:project/versions/:version/bad-mark",
  concept: "candidates",
  summary: "Mark a version bad: it is neither deployed nor gone back to any more (approvers)",
  params: ProjectInPath.extend({ version: VersionText }),
  body: z.strictObject({ reason: BadMark.shape.reason }),
  status: 200,
  reply: BadMarkReply,
} as const satisfies Endpoint;

export const LiftBadMark = {
  method: "DELETE",
  path: "/v1/projects/:project/versions/:version/bad-mark",
  concept: "candidates",
  summary: "Take the mark off a version again (approvers)",
  params: ProjectInPath.extend({ version: VersionText }),
  status: 204,
  reply: Nothing,
} as const satisfies Endpoint;
