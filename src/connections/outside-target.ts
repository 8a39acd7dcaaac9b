import type { GithubTarget } from "../connectors/ci-providers/ci-provider.ts";
import type { SourceTarget } from "../connectors/source-hosts/source-host.ts";
import type { Context } from "../context.ts";
import type { Connection } from "./connection.ts";
import { findSecret } from "./connection-store.ts";

/** A repository behind a connection, with its password opened. Check first that the actor may use the connection. */
export async function sourceTargetOf(
  ctx: Context,
  connection: Connection,
  repository: string,
): Promise<SourceTarget> {
  const { name, username, plainHttp, allowPrivate, caPem } = connection;
  const password = await passwordOf(ctx, connection);
  return {
    name,
    url: repositoryUrl(connection, repository),
    plainHttp,
    allowPrivate,
    caPem,
    credentials: username === null || password === null ? null : { username, password },
  };
}

/** The GitHub behind a connection, with its token opened. Check first that the actor may use the connection. */
export async function githubTargetOf(ctx: Context, connection: Connection): Promise<GithubTarget> {
  const { name, host, plainHttp, allowPrivate, caPem } = connection;
  return { name, host, plainHttp, allowPrivate, caPem, token: await passwordOf(ctx, connection) };
}

/** Where git finds a repository behind a connection. */
function repositoryUrl({ host, plainHttp, namespace }: Connection, repository: string): URL {
  const path = namespace === "" ? repository : `${namespace}/${repository}`;
  return new URL(`${plainHttp ? "http" : "https"}://${host}/${path}.git`);
}

async function passwordOf(ctx: Context, { id }: Connection): Promise<string | null> {
  const { sealedPassword } = await findSecret(ctx.db, id);
  return sealedPassword === null ? null : ctx.secrets.open(sealedPassword, id);
}
