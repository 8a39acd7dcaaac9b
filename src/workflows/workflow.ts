import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";
import { RepositorySlug } from "../projects/project.ts";

/** What carries a workflow out: a program that the operator allows, or GitHub Actions. */
export const WorkflowProvider = z.enum(["command", "github"]);
export type WorkflowProvider = z.output<typeof WorkflowProvider>;

/**
 * Where the value of a parameter comes from; `custom` is as written, `image` of the service that it names, `run` the id of this
 * one attempt: a workflow that shows it in its runs' names lets lost runs be found for certain.
 */
export const ValueSource = z.enum([
  "custom",
  "id",
  "run",
  "commit",
  "version",
  "release_version",
  "candidate_number",
  "from_version",
  "environment",
  "actor",
  "is_rollback",
  "image",
  "items",
]);
export type ValueSource = z.output<typeof ValueSource>;

/** An input of the workflow. */
export const WorkflowParameter = z.strictObject({
  name: z
    .string()
    .max(100)
    .regex(/^[A-Za-z_][A-Za-z0-9_-]*$/, "must be letters, digits, underscores and dashes"),
  source: ValueSource,
  /** With `custom` the text, with `image` the service. */
  value: z.string().max(4096).default(""),
});
export type WorkflowParameter = z.output<typeof WorkflowParameter>;

/** GitHub takes no more inputs than these. */
export const MAX_PARAMETERS = 25;

/** What carries out builds or deployments of a project. */
export const Workflow = z.object({
  id: Id,
  projectId: Id,
  name: z
    .string()
    .max(64)
    .regex(
      /^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/,
      "must be letters, digits, dots, dashes, underscores",
    ),
  provider: WorkflowProvider,
  /** Of GitHub: the connection; null: the project's own. */
  connectionId: Id.nullable(),
  /** Null: the project's own. */
  repository: RepositorySlug.nullable(),
  /** A workflow file such as `deploy.yml`, or the name of a program. */
  target: z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9_](?:[A-Za-z0-9._-]*)$/, "must be the name of a workflow file or of a program"),
  /** The branch or tag whose workflow file counts; null: the repository's default branch. */
  ref: z
    .string()
    .max(200)
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_./+-]*$/, "must be a branch or a tag")
    .nullable(),
  /** Besides those that every workflow gets; of one name the last counts. */
  parameters: z.array(WorkflowParameter).max(MAX_PARAMETERS),
  /** A run of it was seen to show our id. */
  showsIds: z.boolean(),
  createdAt: Instant,
  updatedAt: Instant,
});
export type Workflow = z.output<typeof Workflow>;

/** What may be said of a workflow; the connection by id or name. */
const WorkflowTerms = Workflow.pick({
  name: true,
  provider: true,
  repository: true,
  target: true,
  ref: true,
  parameters: true,
}).extend({
  connection: z.string().min(1).max(64).nullable(),
});

/** A new workflow. */
export const WorkflowDraft = WorkflowTerms.partial().required({ name: true, provider: true, target: true });
export type WorkflowDraft = z.output<typeof WorkflowDraft>;

/** What shall be different; the provider stays. */
export const WorkflowChange = WorkflowTerms.omit({ provider: true }).partial();
export type WorkflowChange = z.output<typeof WorkflowChange>;

/** A parameter in one word, as the command line writes it: `name=source` or `name=source:value`. */
export const parameterText = ({ name, source, value }: WorkflowParameter): string =>
  `${name}=${source}${value === "" ? "" : `:${value}`}`;

/** The same backwards; null when it is none. */
export function readParameter(text: string): WorkflowParameter | null {
  const [, name, source, value = ""] = /^([^=]*)=([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  const result = WorkflowParameter.safeParse({ name, source, value });
  return result.success ? result.data : null;
}
