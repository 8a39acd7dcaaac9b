import * as z from "zod";
import { Role } from "../access/role.ts";
import { Password, UserName } from "../access/user.ts";
import {
  BUILT_IN,
  ConnectionName,
  RegistryHost,
  RegistryNamespace,
  RegistryProvider,
} from "../connections/connection.ts";
import { Project, ProjectKey } from "./project.ts";
import { ServiceName } from "./service.ts";

/*
 * What a whole installation shall have: its projects, registry connections and users. An entry names a thing; what
 * it does not say of the thing stays as it is, and what has no entry is not touched. Nothing is ever removed.
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

const ConfiguredProject = z.strictObject({
  key: ProjectKey,
  name: Project.shape.name.optional().describe("a new project's key when left out"),
  withReferrers: Project.shape.withReferrers
    .optional()
    .describe("releases copy what is attached to their images, such as signatures and SBOMs"),
  services: z.array(ServiceName).max(1000).optional().describe("the project may have more of them"),
});
export type ConfiguredProject = z.output<typeof ConfiguredProject>;

const SharedWith = z
  .union([z.literal("all"), z.array(ProjectKey).max(1000)], {
    error: "must be all, or a list of projects' keys",
  })
  .describe("all projects, also later ones; or the keys of exactly those it is shared with");

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

const connectionWith = <Secret extends z.ZodType>(secret: Secret) =>
  z.strictObject({
    name: ConnectionName.refine((name) => name !== BUILT_IN, "is the connection to the registry inside"),
    host: RegistryHost.optional().describe("a new connection needs one"),
    namespace: RegistryNamespace.optional(),
    provider: RegistryProvider.optional(),
    region: z.string().max(64).optional(),
    default: z.boolean().optional(),
    plainHttp: z.boolean().optional(),
    allowPrivate: z.boolean().optional(),
    ca: z.string().min(1).max(65_536).nullable().optional().describe("certificate authorities, PEM"),
    username: z.string().min(1).max(256).nullable().optional().describe("null: anonymous"),
    password: secret.nullable().optional(),
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

function configurationOf<ConnectionSecret extends z.ZodType, UserSecret extends z.ZodType>(
  connectionSecret: ConnectionSecret,
  userSecret: UserSecret,
) {
  return z.strictObject({
    projects: named(ConfiguredProject, ({ key }) => key)
      .max(1000)
      .optional(),
    connections: named(connectionWith(connectionSecret), ({ name }) => name)
      .max(1000)
      .refine((all) => all.filter((one) => one.default).length <= 1, "only one can be the default")
      .optional(),
    users: named(userWith(userSecret), ({ name }) => name)
      .max(1000)
      .optional(),
  });
}

/** The content of headgate.yaml. */
export const ConfigurationFile = configurationOf(FromEnvironment, FromEnvironment);
export type ConfigurationFile = z.output<typeof ConfigurationFile>;

/** The same with the secrets in their places, as the server takes it. */
export const Configuration = configurationOf(z.string().min(1).max(8192), Password);
export type Configuration = z.output<typeof Configuration>;
export type ConfiguredConnection = NonNullable<Configuration["connections"]>[number];
export type ConfiguredUser = NonNullable<Configuration["users"]>[number];

const ConfiguredValue = z.union([z.string(), z.boolean(), z.array(z.string()), z.null()]);
export type ConfiguredValue = z.output<typeof ConfiguredValue>;

/** One difference between a configuration and what is. Secrets are masked; a certificate shows as its SHA-256. */
export const ConfigurationChange = z.object({
  action: z.enum(["create", "change"]),
  kind: z.enum(["project", "service", "connection", "user"]),
  /** A project's key, `project/service`, or a name. */
  name: z.string(),
  /** As in the file, `roles.<project>` for a role; null: the thing itself comes into being. */
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
