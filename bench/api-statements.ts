import { type KyselyPlugin, CompiledQuery } from "kysely";
import { createAuthenticator } from "../src/access/authenticate.ts";
import { listReleasesByNumber } from "../src/releases/list-releases.ts";
import { type Database, type DatabaseOptions, openDatabase } from "../src/storage/database.ts";
import { testContext } from "../test/support/context.ts";
import type { PeerPlan } from "./api-peer.ts";

/** The statements that a page of a project's releases takes, from the token's look-up on, in their order. */
export async function recordStatements(
  options: DatabaseOptions,
  token: string,
  projectKey: string,
): Promise<PeerPlan["statements"]> {
  const { db, close } = await openDatabase(options);
  try {
    const authenticate = createAuthenticator({ adminToken: null });
    const list = async (of: Database): Promise<void> => {
      const ctx = testContext(of);
      const actor = await authenticate(ctx, token, { address: null, requestId: null });
      const page = { number: 1, size: 20 };
      await listReleasesByNumber({ ...ctx, actor }, { projectKey, status: null, label: null, page });
    };
    // The first use of a token is noted; the second one is what nearly all are like.
    await list(db);
    const statements: CompiledQuery[] = [];
    await list(db.withPlugin(recorder(db, statements)));
    return statements.map(({ sql, parameters }) => ({ sql, parameters }));
  } finally {
    await close();
  }
}

const recorder = (db: Database, statements: CompiledQuery[]): KyselyPlugin => ({
  transformQuery: ({ node, queryId }) => {
    statements.push(db.getExecutor().compileQuery(node, queryId));
    return node;
  },
  transformResult: ({ result }) => Promise.resolve(result),
});
