import { changeConnection } from "../connections/change-connection.ts";
import type { Connection, ConnectionChange } from "../connections/connection.ts";
import { findConnection, findOtherDefaults, findSecret } from "../connections/connection-store.ts";
import { createConnection } from "../connections/create-connection.ts";
import type { Context } from "../context.ts";
import { digestOf } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { MASK } from "../kernel/redaction.ts";
import type { ConfigurationChange, ConfiguredConnection, ConfiguredValue } from "./configuration.ts";
import { type ConfigurationStep, creation, fieldChanges, type Fields } from "./plan-step.ts";

/** What is different in a registry connection, and how it comes to be. Throws INPUT_INVALID for a new one without a host. */
export async function planConnection(
  tx: Context,
  entry: ConfiguredConnection,
  all: readonly ConfiguredConnection[],
): Promise<ConfigurationStep> {
  const found = await findConnection(tx.db, entry.name);
  const { host } = entry;
  if (!found && host === undefined)
    throw new DomainError("INPUT_INVALID", `connection ${entry.name}: host: a new connection needs one`);
  const thing = { action: found ? "change" : "create", kind: "connection", name: entry.name } as const;
  const stored = found && (await findSecret(tx.db, found.id)).sealedPassword;
  const isPassword = found && stored !== null ? tx.secrets.open(stored, found.id) : null;
  const password = passwordIn(entry);
  const newPassword = password !== undefined && password !== isPassword;
  const fields = fieldChanges(thing, fieldsOf(found, entry));
  const masked: ConfigurationChange[] = newPassword
    ? [{ ...thing, field: "password", before: maskOf(isPassword), after: maskOf(password) }]
    : [];
  return {
    changes: [
      ...(found ? [] : [creation("connection", entry.name)]),
      ...fields,
      ...masked,
      ...(await otherDefaults(tx, found, entry, all)),
    ],
    replacedSecret: newPassword ? stored : null,
    carryOut: async (own) => {
      const moves = fields.some(({ field }) => field === "host" || field === "plainHttp");
      const terms = { ...termsOf(entry), ...((newPassword || moves) && { password }) };
      if (found) await changeConnection(own, { connection: found.id, change: terms });
      else await createConnection(own, { ...terms, name: entry.name, host: host ?? "" });
    },
  };
}

/** Without a user name there is nothing to sign in with: the password goes with it. */
const passwordIn = ({ username, password }: ConfiguredConnection): string | null | undefined =>
  username === null && password === undefined ? null : password;

const maskOf = (secret: string | null): string | null => (secret === null ? null : MASK);

const fieldsOf = (found: Connection | null, entry: ConfiguredConnection): Fields => ({
  host: [found?.host, entry.host],
  namespace: [found?.namespace, entry.namespace],
  provider: [found?.provider, entry.provider],
  region: [found?.region, entry.region],
  default: [found?.isDefault, entry.default],
  plainHttp: [found?.plainHttp, entry.plainHttp],
  allowPrivate: [found?.allowPrivate, entry.allowPrivate],
  ca: [markOf(found?.caPem), markOf(entry.ca)],
  username: [found?.username, entry.username],
  projects: [
    found && (found.allProjects ? "all" : found.projects.map(({ key }) => key).toSorted()),
    sortedShares(entry),
  ],
});

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
