import * as z from "zod";
import { Deployment } from "../../deployments/deployment.ts";
import { Environment } from "../../environments/environment.ts";
import { Instant } from "../../kernel/time.ts";
import { Project, ProjectKey } from "../../projects/project.ts";
import { DEFAULT_PAGE_SIZE, type Endpoint, listOf } from "./endpoint.ts";
import { RunningVersion } from "./environments.ts";

const MAX_PROJECTS = 500;

const ProjectKeys = z
  .string()
  .max(64 * MAX_PROJECTS)
  .transform((text) => text.split(","))
  .pipe(z.array(ProjectKey).max(MAX_PROJECTS));

/** An environment as the matrix shows it. */
export const MatrixCell = Environment.pick({ name: true, tier: true, position: true }).extend({
  current: RunningVersion.nullable().describe("what runs there; null: nothing that is known"),
  active: Deployment.pick({
    number: true,
    version: true,
    kind: true,
    status: true,
    started: true,
    waitsFor: true,
  })
    .nullable()
    .describe("the newest deployment that has not ended"),
  frozen: z
    .object({
      by: z.array(z.string()).readonly().describe("the names of the freezes, the widest first"),
      until: Instant.nullable().describe("when deployments may start again; null: no end in sight"),
    })
    .nullable()
    .describe("null: freezes let deployments start now"),
});
export type MatrixCell = z.output<typeof MatrixCell>;

export const MatrixRow = Project.pick({ key: true, name: true })
  .extend({ environments: z.array(MatrixCell).readonly().describe("in their order") })
  .meta({ id: "MatrixRow" });
export type MatrixRow = z.output<typeof MatrixRow>;

export const ReadMatrix = {
  method: "GET",
  path: "/v1/matrix",
  concept: "deployments",
  summary: "Show what runs where: the projects that you may see, by key, and each one's environments",
  query: z.strictObject({
    projects: ProjectKeys.optional().describe("only these, keys with commas between them"),
    after: ProjectKey.optional().describe("`next` of the page before: a project's key"),
    limit: z.coerce
      .number<string | number>()
      .int()
      .min(1)
      .max(MAX_PROJECTS)
      .default(DEFAULT_PAGE_SIZE)
      .describe("how many projects at most"),
  }),
  status: 200,
  reply: listOf(MatrixRow),
} as const satisfies Endpoint;
