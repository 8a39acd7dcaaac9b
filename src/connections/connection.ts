import * as z from "zod";
import { Id } from "../kernel/id.ts";
import { Instant } from "../kernel/time.ts";
import { ProjectKey } from "../projects/project.ts";

/**
 * The kinds of system a connection can lead to: an image registry, a host of git repositories, or a GitHub, which is a
 * host of git repositories that also carries out workflows.
 */
export const ConnectionKind = z.enum(["registry", "git", "github"]);
export type ConnectionKind = z.output<typeof ConnectionKind>;

/** Whose registry it is, in Zadig's words (its registry integration page, v3.4). */
export const RegistryProvider = z.enum([
  "acr",
  "acr-enterprise",
  "swr",
  "tcr",
  "tcr-enterprise",
  "harbor",
  "dockerhub",
  "ecr",
  "jfrog",
  "native",
]);

/** Unlike an id, so that one text can stand for either. */
export const ConnectionName = z
  .string()
  .max(64)
  .regex(/^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$/, "must be letters, digits, dots, dashes, underscores")
  .refine((name) => !Id.safeParse(name).success, "must not look like an id");

const HOST_NAME = /^(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/;
const IPV6 = /^\[[0-9a-f:.]{2,45}\]$/;

function isHost(text: string): boolean {
  const [, name = "", port] = /^(.*?)(?::(\d{1,5}))?$/.exec(text) ?? [];
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return false;
  const named = name === "localhost" || name.includes(".") || port !== undefined;
  return ((HOST_NAME.test(name) && named) || IPV6.test(name)) && isUsualForm(name);
}

/** False for what stands for another address, such as 127.1, and for what looks like an address and is none. */
const isUsualForm = (name: string): boolean =>
  URL.canParse(`http://${name}`) && new URL(`http://${name}`).hostname === name;

/** Where a registry listens, as image references write it: a host, or host:port. */
export const RegistryHost = z
  .string()
  .max(255)
  .refine(
    isHost,
    "must be a host or host:port in lower case, without scheme, path or user, an address in its usual form; a host without a dot needs its port",
  );

const PATH_PART = "[a-z0-9]+(?:(?:[.]|__?|-+)[a-z0-9]+)*";

/** The path between host and image; empty, or parts as the registry protocol allows them. */
export const RegistryNamespace = z
  .string()
  // The pattern is not tried on what is too long: on mebibytes it would exhaust the stack.
  .max(200, { abort: true })
  .regex(
    new RegExp(`^(?:${PATH_PART}(?:/${PATH_PART})*)?$`),
    "must be lower-case path parts with single slashes between them",
  );

/** One configured system: its address and how to sign in there. Secrets never are part of it. */
export const Connection = z.object({
  id: Id,
  name: ConnectionName,
  kind: ConnectionKind,
  host: RegistryHost,
  namespace: RegistryNamespace,
  provider: RegistryProvider,
  region: z.string().max(64),
  isDefault: z.boolean(),
  /** Speak http; otherwise https, always. */
  plainHttp: z.boolean(),
  /** An admin said that the host may be a private or loopback address. */
  allowPrivate: z.boolean(),
  /** PEM text of extra certificate authorities. */
  caPem: z.string().nullable(),
  /** Null: anonymous. */
  username: z.string().nullable(),
  hasPassword: z.boolean(),
  /** Webhooks that come in are checked with a secret; without one they are refused. */
  hasWebhookSecret: z.boolean(),
  /** Hosts besides the registry's own that an admin confirmed as makers of its tokens. */
  tokenHosts: z.array(z.string()),
  /** Shared with every project, also later ones. */
  allProjects: z.boolean(),
  projects: z.array(z.object({ id: Id, key: ProjectKey })),
  /** Leads to the registry inside; kept by the program itself. */
  builtIn: z.boolean(),
  createdAt: Instant,
  updatedAt: Instant,
});
export type Connection = z.output<typeof Connection>;

/** What an admin may say of a connection. */
const ConnectionTerms = Connection.pick({
  name: true,
  host: true,
  namespace: true,
  provider: true,
  region: true,
  isDefault: true,
  plainHttp: true,
  allowPrivate: true,
  allProjects: true,
}).extend({
  caPem: z.string().min(1).max(65_536).nullable(),
  username: z.string().min(1).max(256).nullable(),
  password: z.string().min(1).max(8192).nullable(),
  /** Of a GitHub: what it signs its webhooks with. */
  webhookSecret: z.string().min(16).max(256).nullable(),
  /** The keys of the projects it is shared with. */
  projects: z.array(ProjectKey).max(1000),
});

/** A new connection; what is left out is empty, anonymous, https, public, and shared with nobody. */
export const ConnectionDraft = ConnectionTerms.extend({ kind: ConnectionKind })
  .partial()
  .required({ name: true, host: true });
export type ConnectionDraft = z.output<typeof ConnectionDraft>;

/** What shall be different; what is left out stays. */
export const ConnectionChange = ConnectionTerms.partial();
export type ConnectionChange = z.output<typeof ConnectionChange>;

/** The user that a GitHub knows a token by, where git asks for one. */
export const TOKEN_USER = "x-access-token";

/** The name of the connection to the registry inside. */
export const BUILT_IN = "built-in";

/** True when the project may read and write through the connection. */
export const isSharedWith = (connection: Connection, projectId: string): boolean =>
  connection.allProjects || connection.projects.some((project) => project.id === projectId);

/**
 * The namespace in which a project works through the connection. In the registry inside it is the project's own key:
 * the built-in credentials reach every repository, so nothing else keeps projects apart.
 */
export const namespaceIn = (connection: Connection, projectKey: string): string =>
  connection.builtIn ? projectKey : connection.namespace;

/** True when the repository, a full name without host, lies in the project's namespace of the connection. */
export function coversRepository(connection: Connection, projectKey: string, repository: string): boolean {
  const namespace = namespaceIn(connection, projectKey);
  return namespace === "" || repository.startsWith(`${namespace}/`);
}

/** True when the connection is shared with one of these projects; `projectIds` null: its reader sees all. */
export const isVisibleTo = (connection: Connection, projectIds: readonly string[] | null): boolean =>
  projectIds === null || projectIds.some((id) => isSharedWith(connection, id));

/** The connection without projects that the reader may not see; `projectIds` null: sees all. */
export const asSeenBy = (connection: Connection, projectIds: readonly string[] | null): Connection =>
  projectIds === null
    ? connection
    : { ...connection, projects: connection.projects.filter(({ id }) => projectIds.includes(id)) };
