import { changeConnection } from "../connections/change-connection.ts";
import { type Connection, type ConnectionChange, TOKEN_USER } from "../connections/connection.ts";
import {
  type ConnectionSecret,
  findConnection,
  findOtherDefaults,
  findSecret,
} from "../connections/connection-store.ts";
import { createConnection } from "../connections/create-connection.ts";
import type { Context } from "../context.ts";
import { digestOf } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { MASK } from "../kernel/redaction.ts";
import type { ConfigurationChange, ConfiguredConnection, ConfiguredValue } from "./configuration.ts";
import { type ConfigurationStep, creation, fieldChanges, type Fields } from "./plan-step.ts";

/**
 * What is different in a connection, and how it comes to be. Throws INPUT_INVALID for a new one without a host, and for one
 * that is of another kind.
 */
export async function planConnection(
  tx: Context,
  entry: ConfiguredConnection,
  all: readonly ConfiguredConnection[],
): Promise<ConfigurationStep> {
  const found = await findConnection(tx.db, entry.name);
  const { host } = entry;
  if (!found && host === undefined)
    throw new DomainError("INPUT_INVALID", `connection ${entry.name}: host: a new connection needs one`);
  if (found && entry.kind !== undefined && entry.kind !== found.kind)
    throw new DomainError(
      "INPUT_INVALID",
      `connection ${entry.name}: kind: it is ${found.kind} for ever; make another connection`,
    );
  const thing = { action: found ? "change" : "create", kind: "connection", name: entry.name } as const;
  const stored = found ? await findSecret(tx.db, found.id) : NO_SECRET;
  const password = secretChange(tx, found, stored.sealedPassword, passwordIn(entry));
  const webhookSecret = secretChange(tx, found, stored.sealedWebhookSecret, entry.webhookSecret);
  const fields = fieldChanges(thing, fieldsOf(found, entry));
  const masked = { password, webhookSecret };
  return {
    changes: [
      ...(found ? [] : [creation("connection", entry.name)]),
      ...fields,
      ...Object.entries(masked).flatMap(([field, change]) =>
        change ? [{ ...thing, field, ...change.shown }] : [],
      ),
      ...(await otherDefaults(tx, found, entry, all)),
    ],
    replacedSecret: [password, webhookSecret].flatMap((change) => change?.replaced ?? []).join(" ") || null,
    carryOut: async (own) => {
      const moves = fields.some(({ field }) => field === "host" || field === "plainHttp");
      const terms = {
        ...termsOf(entry),
        ...((password || moves) && { password: passwordIn(entry) }),
        ...(webhookSecret && { webhookSecret: entry.webhookSecret }),
      };
      if (found) await changeConnection(own, { connection: found.id, change: terms });
      else await createConnection(own, { ...terms, name: entry.name, kind: entry.kind, host: host ?? "" });
    },
  };
}

const NO_SECRET: ConnectionSecret = { sealedPassword: null, sealedWebhookSecret: null };

interface SecretChange {
  readonly shown: Pick<ConfigurationChange, "before" | "after">;
  /** As it is stored. */
  readonly replaced: string | null;
}

/** What is different in one secret; null: nothing, or nothing is said of it. */
function secretChange(
  tx: Context,
  found: Connection | null,
  sealed: string | null,
  wanted: string | null | undefined,
): SecretChange | null {
  const is = found && sealed !== null ? tx.secrets.open(sealed, found.id) : null;
  if (wanted === undefined || wanted === is) return null;
  return { shown: { before: maskOf(is), after: maskOf(wanted) }, replaced: sealed };
}

/** Without a user name there is nothing to sign in with: the password goes with it. */
const passwordIn = ({ username, password }: ConfiguredConnection): string | null | undefined =>
  username === null && password === undefined ? null : password;

/** Of a GitHub a token is enough, and then it has the user that comes with one. */
const usernameIn = (
  found: Connection | null,
  { kind = found?.kind, username, password }: ConfiguredConnection,
): string | null | undefined =>
  kind === "github" && username === null && typeof password === "string" ? TOKEN_USER : username;

const maskOf = (secret: string | null): string | null => (secret === null ? null : MASK);

const fieldsOf = (found: Connection | null, entry: ConfiguredConnection): Fields => ({
  kind: [found?.kind, entry.kind],
  host: [found?.host, entry.host],
  namespace: [found?.namespace, entry.namespace],
  provider: [found?.provider, entry.provider],
  region: [found?.region, entry.region],
  default: [found?.isDefault, entry.default],
  plainHttp: [found?.plainHttp, entry.plainHttp],
  allowPrivate: [found?.allowPrivate, entry.allowPrivate],
  ca: [markOf(found?.caPem), markOf(entry.ca)],
  username: [found?.username, usernameIn(found, entry)],
  projects: [found && sharesOf(found), sortedShares(entry)],
});

const sharesOf = ({ allProjects, projects }: Connection): ConfiguredValue =>
  allProjects ? "all" : projects.map(({ key }) => key).toSorted();

const markOf = (pem: string | null | undefined): string | null | undefined =>
  typeof pem === "string" ? digestOf(pem) : pem;

const sortedShares = ({ projects }: ConfiguredConnection): ConfiguredValue | undefined =>
  Array.isArray(projects) ? [...new Set(projects)].toSorted() : projects;

/** The entry as `connections/` takes it, without the password. */
const termsOf = (entry: ConfiguredConnection): ConnectionChange => ({
  host: entry.host,
  namespace: entry.namespace,
  provider: entry.provider,
  region: entry.region,
  isDefault: entry.default,
  plainHttp: entry.plainHttp,
  allowPrivate: entry.allowPrivate,
  caPem: entry.ca,
  username: entry.username,
  ...(entry.projects === "all" && { allProjects: true }),
  ...(Array.isArray(entry.projects) && { allProjects: false, projects: entry.projects }),
});

/** There is one default: whichever else is it, and says nothing of that itself, is so no more. */
async function otherDefaults(
  tx: Context,
  found: Connection | null,
  entry: ConfiguredConnection,
  all: readonly ConfiguredConnection[],
): Promise<ConfigurationChange[]> {
  if (!entry.default) return [];
  const others = await findOtherDefaults(tx.db, found?.id ?? "");
  const silent = others.filter(({ name }) => all.every((one) => one.name !== name || one.default !== false));
  return silent.map(({ name }) => ({
    action: "change",
    kind: "connection",
    name,
    field: "default",
    before: true,
    after: false,
  }));
}
