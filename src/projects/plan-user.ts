import { changeUserWith } from "../access/change-user.ts";
import { addUser } from "../access/create-user.ts";
import { grantRole } from "../access/grant-role.ts";
import { hashPassword, verifyPassword } from "../access/password.ts";
import { listRolesOf } from "../access/role-store.ts";
import type { User } from "../access/user.ts";
import { findPasswordHash, findUser } from "../access/user-store.ts";
import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { MASK } from "../kernel/redaction.ts";
import type { ConfigurationChange, ConfiguredUser } from "./configuration.ts";
import { type ConfigurationStep, creation, fieldChanges } from "./plan-step.ts";

/** What was found out of a user's password before the transaction, in which there is no time for hashing. */
export interface PreparedUser {
  readonly entry: ConfiguredUser;
  /** The hash that was stored then. */
  readonly storedHash: string | null;
  /** The one to store; undefined: the stored one is right, or nothing is said of the password. */
  readonly newHash: string | null | undefined;
}

/** Compares the password with the stored one, and hashes it when it is another. */
export async function prepareUser(ctx: Context, entry: ConfiguredUser): Promise<PreparedUser> {
  const found = await findUser(ctx.db, entry.name);
  const storedHash = found && (await findPasswordHash(ctx.db, found.id));
  return { entry, storedHash, newHash: await newHashFor(entry.password, storedHash) };
}

async function newHashFor(
  password: string | null | undefined,
  storedHash: string | null,
): Promise<string | null | undefined> {
  if (password === undefined) return undefined;
  if (password === null) return storedHash === null ? undefined : null;
  const same = storedHash !== null && (await verifyPassword(password, storedHash));
  return same ? undefined : await hashPassword(password);
}

/** Who comes first: whoever becomes able to administer, so that the last admin can hand over in one go. */
export const usersInOrder = (users: readonly ConfiguredUser[]): ConfiguredUser[] => [
  ...users.filter((user) => user.systemAdmin && !user.disabled),
  ...users.filter((user) => !user.systemAdmin || user.disabled),
];

/** What is different in a user and its roles, and how it comes to be. Throws CONFIGURATION_CHANGED. */
export async function planUser(tx: Context, prepared: PreparedUser): Promise<ConfigurationStep> {
  const { entry, newHash } = prepared;
  const found = await findUser(tx.db, entry.name);
  const storedHash = found && (await findPasswordHash(tx.db, found.id));
  if (storedHash !== prepared.storedHash) throw new DomainError("CONFIGURATION_CHANGED");
  const thing = { action: found ? "change" : "create", kind: "user", name: entry.name } as const;
  const rights = fieldChanges(thing, {
    systemAdmin: [found?.systemAdmin, entry.systemAdmin],
    disabled: [found?.disabled, entry.disabled],
  });
  const mask = (hash: string | null): string | null => (hash === null ? null : MASK);
  const masked: ConfigurationChange[] =
    newHash === undefined
      ? []
      : [{ ...thing, field: "password", before: mask(storedHash), after: mask(newHash) }];
  const held = new Map(
    found ? (await listRolesOf(tx.db, found.id)).map(({ projectKey, role }) => [projectKey, role]) : [],
  );
  const wanted = Object.entries(entry.roles ?? {});
  const roles = fieldChanges(
    thing,
    Object.fromEntries(wanted.map(([key, role]) => [`roles.${key}`, [held.get(key), role]])),
  );
  const itself = [...rights, ...masked];
  return {
    changes: [...(found ? [] : [creation("user", entry.name)]), ...itself, ...roles],
    replacedSecret: newHash === undefined ? null : storedHash,
    carryOut: async (own) => {
      if (!found || itself.length > 0) await putUser(own, found, prepared);
      for (const [projectKey, role] of wanted) await grantRole(own, { projectKey, user: entry.name, role });
    },
  };
}

async function putUser(tx: Context, found: User | null, { entry, newHash }: PreparedUser): Promise<void> {
  const { name, systemAdmin, disabled } = entry;
  if (!found) await addUser(tx, { name, systemAdmin: systemAdmin ?? false }, newHash ?? null);
  if (found) await changeUserWith(tx, name, { systemAdmin, disabled, passwordHash: newHash });
  else if (disabled) await changeUserWith(tx, name, { disabled });
}
