import { readFileSync } from "node:fs";
import Fastify from "fastify";
import { sql } from "kysely";
import { readTokenText } from "../src/access/api-token.ts";
import { matchesHash } from "../src/access/secret-hash.ts";
import { newId } from "../src/kernel/id.ts";
import { type Database, type DatabaseOptions, openDatabase } from "../src/storage/database.ts";
import { runTransaction } from "../src/storage/transaction.ts";

/** A deployment that is reported on, by its rows' keys. */
export interface Reported {
  readonly projectId: string;
  readonly environmentId: string;
  readonly number: number;
  readonly id: string;
  readonly version: string;
}

/** What the bare route works on: the deployment of each caller, in their order. */
export interface PeerPlan {
  readonly options: DatabaseOptions;
  readonly reported: readonly Reported[];
}

/** What the bare route is sent. */
export interface PeerReport {
  readonly status: "success" | "failure";
}

/*
 * The peer of `bench/deployments.ts`: one Fastify route without schemas, hooks or log, over the same database threads or
 * pool. It checks the token against its hash and writes the rows that a report writes, without having looked at any.
 */
const plan = JSON.parse(readFileSync(process.argv[2] ?? "", "utf8")) as PeerPlan;
const { db } = await openDatabase(plan.options);

async function isKnown(text: string): Promise<boolean> {
  const parts = readTokenText(text);
  if (!parts) return false;
  const row = await db
    .selectFrom("api_tokens as token")
    .innerJoin("users as user", "user.id", "token.user_id")
    .select(["token.secret_hash", "user.name"])
    .where("token.id", "=", parts.id)
    .executeTakeFirst();
  return row !== undefined && matchesHash(parts.secret, row.secret_hash);
}

async function write(tx: Database, one: Reported, { status }: PeerReport): Promise<void> {
  const at = Date.now();
  const current_deployment = status === "success" ? one.number : null;
  await tx
    .updateTable("environments")
    .set({ current_deployment })
    .where("id", "=", one.environmentId)
    .execute();
  await tx
    .updateTable("deployments")
    .set({ status, started: 1, waits_for: "", error: null, started_at: at, ended_at: at })
    .where("number", "=", one.number)
    .execute();
  await tx
    .insertInto("deployment_statuses")
    .values({
      deployment_number: one.number,
      position: sql<number>`(select max(position) + 1 from deployment_statuses where deployment_number = ${one.number})`,
      status,
      source: "report",
      actor_name: "script",
      message: "",
      at,
    })
    .execute();
  const event = { id: newId(new Date(at)), kind: "deployment.reported", created_at: at };
  const about = { chain: one.projectId, project_id: one.projectId, subject_id: one.id };
  const body_json = JSON.stringify({ ...event, ...about, ...one, status, actor: "script" });
  await tx
    .insertInto("events")
    .values({ ...event, ...about, body_json })
    .execute();
}

const app = Fastify();
app.patch("/report/:caller", async (request, reply) => {
  const { caller } = request.params as { readonly caller: string };
  const one = plan.reported[Number(caller)];
  if (!(await isKnown(request.headers.authorization?.split(" ")[1] ?? ""))) return reply.status(401).send();
  if (!one) return reply.status(404).send();
  await runTransaction(db, (tx) => write(tx, one, request.body as PeerReport));
  return reply.send();
});
process.stdout.write(`${await app.listen({ port: 0, host: "127.0.0.1" })}\n`);
