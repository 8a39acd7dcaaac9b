import * as z from "zod";
import { Role } from "../access/role.ts";
import { Password, UserName } from "../access/user.ts";
import {
  BUILT_IN,
  ConnectionKind,
  ConnectionName,
  RegistryHost,
  RegistryNamespace,
  RegistryProvider,
} from "../connections/connection.ts";
import { EnvironmentDraft } from "../environments/environment.ts";
import { FreezePlace } from "../environments/freeze-draft.ts";
import { Freeze, RecurringSchedule } from "../environments/freeze.ts";
import { WorkflowDraft } from "../workflows/workflow.ts";
import { Project, ProjectKey } from "./project.ts";
import { ServiceName } from "./service.ts";

/*
 * What a whole installation shall have: its projects with their workflows and environments, its connections, users and
 * freezes. An entry names a thing; what it does not say of the thing stays as it is, and what has no entry is not touched.
 * Nothing is ever removed, save that a freeze which came from a configuration ends when a list of freezes lacks it.
 */

/** How a secret stands in headgate.yaml: the name of the environment variable that holds it. */
export const FromEnvironment = z.strictObject(
  {
    fromEnv: z
      .string()
      .regex(/^[A-Za-z_][A-Za-z0-9_]{0,127}$/, "must be the name of an environment variable"),
  },
  { error: "must be { fromEnv: VARIABLE }: the file itself holds no secrets" },
);
export type FromEnvironment = z.output<typeof FromEnvironment>;

/** The entries of a list as `schema`, each with a name of its own. */
const named = <Schema extends z.ZodType>(schema: Schema, nameOf: (entry: z.output<Schema>) => string) =>
  z.array(schema).superRefine((entries, context) => {
    const seen = new Set<string>();
    for (const [index, entry] of entries.entries()) {
      const name = nameOf(entry);
      if (seen.has(name))
        context.addIssue({ code: "custom", path: [index], message: `${name} has an entry above already` });
      seen.add(name);
    }
  });

const ConfiguredWorkflow = WorkflowDraft.partial({ provider: true, target: true }).strict();
export type ConfiguredWorkflow = z.output<typeof ConfiguredWorkflow>;

const ConfiguredEnvironment = EnvironmentDraft.strict();
export type ConfiguredEnvironment = z.output<typeof ConfiguredEnvironment>;

const ConfiguredProject = z.strictObject({
  key: ProjectKey,
  name: Project.shape.name.optional().describe("a new project's key when left out"),
  withReferrers: Project.shape.withReferrers
    .optional()
    .describe("releases copy what is attached to their images, such as signatures and SBOMs"),
  services: z.array(ServiceName).max(1000).optional().describe("the project may have more of them"),
  source: ConnectionName.nullable().optional().describe("the connection to its repository"),
  repository: Project.shape.repository.optional(),
  buildWorkflow: z.string().min(1).max(64).nullable().optional().describe("what builds its candidates"),
  workflows: named(ConfiguredWorkflow, ({ name }) => name)
    .max(1000)
    .optional(),
  environments: named(ConfiguredEnvironment, ({ name }) => name)
    .max(1000)
    .optional()
    .describe("in the order in which a release reaches them"),
});
export type ConfiguredProject = z.output<typeof ConfiguredProject>;

const SharedWith = z
  .union([z.literal("all"), z.array(ProjectKey).max(1000)], {
    error: "must be all, or a list of projects' keys",
  })
  .describe("all projects, also later ones; or the keys of exactly those it is shared with");

const connectionWith = <Secret extends z.ZodType, WebhookSecret extends z.ZodType>(
  secret: Secret,
  webhookSecret: WebhookSecret,
) =>
  z.strictObject({
    name: ConnectionName.refine((name) => name !== BUILT_IN, "is the connection to the registry inside"),
    kind: ConnectionKind.optional().describe("registry when left out; it never changes"),
    host: RegistryHost.optional().describe("a new connection needs one"),
    namespace: RegistryNamespace.optional(),
    provider: RegistryProvider.optional(),
    region: z.string().max(64).optional(),
    default: z.boolean().optional(),
    plainHttp: z.boolean().optional(),
    allowPrivate: z.boolean().optional(),
    ca: z.string().min(1).max(65_536).nullable().optional().describe("certificate authorities, PEM"),
    username: z.string().min(1).max(256).nullable().optional().describe("null: anonymous"),
    password: secret.nullable().optional().describe("of a GitHub: a token"),
    webhookSecret: webhookSecret
      .nullable()
      .optional()
      .describe("of a GitHub: what it signs its webhooks with"),
    projects: SharedWith.optional(),
  });

const userWith = <Secret extends z.ZodType>(secret: Secret) =>
  z.strictObject({
    name: UserName,
    systemAdmin: z.boolean().optional(),
    disabled: z.boolean().optional(),
    password: secret.nullable().optional().describe("null: nobody signs in as this user"),
    roles: z.record(ProjectKey, Role).optional().describe("by project; roles in other projects stay"),
  });

const Moment = z.iso.datetime();

/** When a freeze is active, as `FreezeSchedule` has it; moments stay text. */
const ConfiguredSchedule = z.discriminatedUnion("kind", [
  z.strictObject({ kind: z.literal("now") }),
  z
    .strictObject({ kind: z.literal("once"), startsAt: Moment, endsAt: Moment })
    .refine(({ startsAt, endsAt }) => Date.parse(endsAt) > Date.parse(startsAt), {
      path: ["endsAt"],
      error: "must be later than startsAt",
    }),
  z.strictObject(RecurringSchedule.shape),
]);

const ConfiguredFreeze = z.strictObject({
  name: Freeze.shape.name,
  place: FreezePlace.optional().describe("everything when left out"),
  effect: Freeze.shape.effect.optional(),
  schedule: ConfiguredSchedule.optional().describe("from now on when left out"),
  reason: Freeze.shape.reason.optional().describe("a new freeze needs one"),
  ownerName: Freeze.shape.ownerName.optional(),
  expiresAt: Moment.nullable().optional(),
  bypass: Freeze.shape.bypass.optional(),
});
export type ConfiguredFreeze = z.output<typeof ConfiguredFreeze>;

function configurationOf<
  Connection extends z.ZodType<{ name: string; default?: boolean | undefined }>,
  User extends z.ZodType<{ name: string }>,
>(connection: Connection, user: User) {
  return z.strictObject({
    projects: named(ConfiguredProject, ({ key }) => key)
      .max(1000)
      .optional(),
    connections: named(connection, ({ name }) => name)
      .max(1000)
      .refine((all) => all.filter((one) => one.default).length <= 1, "only one can be the default")
      .optional(),
    users: named(user, ({ name }) => name)
      .max(1000)
      .optional(),
    freezes: named(ConfiguredFreeze, ({ name }) => name)
      .max(1000)
      .optional()
      .describe("all that come from a configuration: one that is not here any more is lifted"),
  });
}

/** The content of headgate.yaml. */
export const ConfigurationFile = configurationOf(
  connectionWith(FromEnvironment, FromEnvironment),
  userWith(FromEnvironment),
);
export type ConfigurationFile = z.output<typeof ConfigurationFile>;

/** The same with the secrets in their places, as the server takes it. */
export const Configuration = configurationOf(
  connectionWith(z.string().min(1).max(8192), z.string().min(16).max(256)),
  userWith(Password),
);
export type Configuration = z.output<typeof Configuration>;
export type ConfiguredConnection = NonNullable<Configuration["connections"]>[number];
export type ConfiguredUser = NonNullable<Configuration["users"]>[number];

const ConfiguredValue = z.union([z.string(), z.number(), z.boolean(), z.array(z.string()), z.null()]);
export type ConfiguredValue = z.output<typeof ConfiguredValue>;

/** One difference between a configuration and what is. Secrets are masked; a certificate shows as its SHA-256. */
export const ConfigurationChange = z.object({
  /** A freeze is lifted; a changed one is lifted and made anew. */
  action: z.enum(["create", "change", "lift"]),
  kind: z.enum(["project", "service", "workflow", "environment", "connection", "user", "freeze"]),
  /** A project's key, `project/name` of what it owns, or a name. */
  name: z.string(),
  /** As in the file, `roles.<project>` for a role; null: the thing itself comes into being, or ends. */
  field: z.string().nullable(),
  before: ConfiguredValue,
  after: ConfiguredValue,
});
export type ConfigurationChange = z.output<typeof ConfigurationChange>;

/** What applying a configuration would do now, or did. */
export const ConfigurationPlan = z.object({
  changes: z.array(ConfigurationChange).readonly(),
  /** Stands for these changes to this state; another one when either is different. */
  fingerprint: z.string().regex(/^[0-9a-f]{64}$/, "must be the fingerprint of a plan"),
});
export type ConfigurationPlan = z.output<typeof ConfigurationPlan>;
