import { createHash, timingSafeEqual } from "node:crypto";
import { readFileSync } from "node:fs";
import Fastify from "fastify";
import { CompiledQuery } from "kysely";
import { type DatabaseOptions, openDatabase } from "../src/storage/database.ts";

/** What the bare route does: the statements that our own route ran for the same request, one after another. */
export interface PeerPlan {
  readonly options: DatabaseOptions;
  /** The token's look-up comes first; `secretHash` is the column that it is compared with. */
  readonly statements: readonly { readonly sql: string; readonly parameters: readonly unknown[] }[];
}

/*
 * The peer of `bench/api.ts`: one Fastify route without schemas, hooks or log, over the same database threads or
 * pool. It checks the token against its hash, runs the statements and answers with all their rows.
 */
const plan = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as PeerPlan;
const { db } = await openDatabase(plan.options);
const [lookUp, ...others] = plan.statements.map(({ sql, parameters }) =>
  CompiledQuery.raw(sql, [...parameters]),
);
if (!lookUp) throw new Error("there is nothing to run");

const app = Fastify();
app.get("/list", async (request, reply) => {
  const token = request.headers.authorization?.split(" ")[1] ?? "";
  const { rows } = await db.executeQuery<{ secret_hash: string }>(lookUp);
  const hash = createHash("sha256")
    .update(token.split("_").at(-1) ?? "")
    .digest();
  const known = Buffer.from(rows[0]?.secret_hash ?? "", "hex");
  if (known.length !== hash.length || !timingSafeEqual(known, hash)) return reply.status(401).send();
  const answers: unknown[] = [];
  for (const query of others) answers.push((await db.executeQuery(query)).rows);
  return answers;
});
process.stdout.write(`${await app.listen({ port: 0, host: "127.0.0.1" })}/list\n`);
