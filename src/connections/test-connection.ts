import { requireSystemAdmin } from "../access/authorize.ts";
import { recordEvent } from "../audit/record-event.ts";
import type { RegistryCheck } from "../connectors/registries/registry.ts";
import { type Context, inTransaction } from "../context.ts";
import { DomainError, ExternalSystemError } from "../kernel/errors.ts";
import type { Connection } from "./connection.ts";
import { setTokenHosts } from "./connection-store.ts";
import { getConnection } from "./get-connection.ts";
import { githubTargetOf, sourceTargetOf } from "./outside-target.ts";
import { openRegistry } from "./open-registry.ts";

/** What came of reaching a system. */
export type ConnectionCheck = RegistryCheck;

export interface TestConnection {
  /** Id or name. */
  readonly connection: string;
  /** Also give the credentials to the token host that the registry names, from now on. */
  readonly confirmTokenHost?: boolean | undefined;
  /** Of a host of repositories: the one to read. */
  readonly repository?: string | null | undefined;
}

export interface ConnectionTest {
  readonly connection: Connection;
  readonly check: ConnectionCheck;
}

/**
 * Reaches the system and signs in there. A token host that the admin confirms is kept, and the check done again with it. A host
 * of repositories knows sign-ins for repositories alone, so it is tried with one. Needs a system admin.
 * Throws CONNECTION_NOT_FOUND, FORBIDDEN, INPUT_INVALID.
 */
export async function testConnection(ctx: Context, input: TestConnection): Promise<ConnectionTest> {
  requireSystemAdmin(ctx);
  const found = await getConnection(ctx, input.connection);
  const first = await check(ctx, found, input);
  const host = first.tokenHost;
  const confirmed = input.confirmTokenHost === true && host !== null && !found.tokenHosts.includes(host);
  const connection = confirmed ? { ...found, tokenHosts: [...found.tokenHosts, host] } : found;
  await inTransaction(ctx, async (tx) => {
    if (confirmed) await setTokenHosts(tx.db, connection);
    await recordEvent(tx, {
      kind: "connection.tested",
      projectId: null,
      subjectId: connection.id,
      before: { tokenHosts: found.tokenHosts },
      after: { ...first, tokenHosts: connection.tokenHosts },
    });
  });
  return { connection, check: confirmed ? await check(ctx, connection, input) : first };
}

function check(
  ctx: Context,
  connection: Connection,
  { repository = null }: TestConnection,
): Promise<ConnectionCheck> {
  switch (connection.kind) {
    case "registry":
      return checkRegistry(ctx, connection, repository);
    case "github":
      return checkGithub(ctx, connection, repository);
    case "git":
      if (repository === null)
        throw new DomainError(
          "INPUT_INVALID",
          "repository: a host of git repositories is tried by reading one of them, so name one: org/name",
        );
      return checkRepository(ctx, connection, repository);
  }
}

async function checkRegistry(
  ctx: Context,
  connection: Connection,
  repository: string | null,
): Promise<ConnectionCheck> {
  if (repository !== null)
    throw new DomainError("INPUT_INVALID", "repository: a registry is tried without one");
  return (await openRegistry(ctx, connection)).check();
}

/** The API first; then git, which reads the same repositories by another address. */
async function checkGithub(
  ctx: Context,
  connection: Connection,
  repository: string | null,
): Promise<ConnectionCheck> {
  const target = await githubTargetOf(ctx, connection);
  const api = await answered(() => ctx.connectors.ciProviders.checkGithub(target));
  if (repository === null || !api.reachable) return api;
  const git = await checkRepository(ctx, connection, repository);
  return {
    ...api,
    authenticated: api.authenticated && git.authenticated,
    message: `${api.message}. ${git.message}`,
  };
}

async function checkRepository(
  ctx: Context,
  connection: Connection,
  repository: string,
): Promise<ConnectionCheck> {
  const target = await sourceTargetOf(ctx, connection, repository);
  return answered(async () => {
    const found = await ctx.connectors.sourceHosts.check(target);
    return found.kind === "readable"
      ? { authenticated: true, message: `${repository} can be read` }
      : { authenticated: false, message: found.text };
  });
}

/** A failure of the outside is what the test is to find. */
async function answered(
  work: () => Promise<Pick<ConnectionCheck, "authenticated" | "message">>,
): Promise<ConnectionCheck> {
  try {
    return { reachable: true, tokenHost: null, ...(await work()) };
  } catch (error) {
    if (!(error instanceof ExternalSystemError)) throw error;
    const { status, message } = error;
    return { reachable: status !== null, authenticated: false, tokenHost: null, message };
  }
}
