import { sql } from "kysely";
import { Tier } from "../environments/tier.ts";
import { fromMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import { ACTIVE, Deployment } from "./deployment.ts";

const { kind: Kind, status: Status } = Deployment.shape;

/** What the newest deployment that has not ended is about to do. */
export type ActivePart = Pick<Deployment, "number" | "version" | "kind" | "status" | "started" | "waitsFor">;

/** An environment with what runs there and what is under way. */
export interface PlaceState {
  readonly id: string;
  readonly projectId: string;
  readonly name: string;
  readonly tier: Tier;
  readonly position: number;
  readonly current: {
    readonly number: number;
    readonly version: string;
    readonly releaseVersion: string;
    readonly since: Date;
  } | null;
  readonly active: ActivePart | null;
}

/** A literal list, for the partial index on what is active holds by literals alone. */
const isActive = (row: "one" | "active") =>
  sql<boolean>`${sql.ref(row)}.status in (${sql.join(ACTIVE.map((status) => sql.lit(status)))})`;

const places = (db: Database, projectIds: readonly string[]) =>
  db
    .selectFrom("environments as environment")
    .leftJoin("deployments as current", "current.number", "environment.current_deployment")
    .leftJoin("deployments as active", (join) =>
      join
        .onRef("active.environment_id", "=", "environment.id")
        .on((row) =>
          row(
            "active.environment_number",
            "=",
            row
              .selectFrom("deployments as one")
              .select(({ fn }) => fn.max("one.environment_number").as("newest"))
              .whereRef("one.environment_id", "=", "environment.id")
              .where(isActive("one")),
          ),
        )
        // Said twice, or PostgreSQL reads all deployments there are to join them to many environments.
        .on(isActive("active")),
    )
    .select([
      "environment.id",
      "environment.project_id",
      "environment.name",
      "environment.tier",
      "environment.position",
      "current.number as current_number",
      "current.version as current_version",
      "current.release_version as current_release_version",
      "current.requested_at as current_requested_at",
      "current.ended_at as current_ended_at",
      "active.number as active_number",
      "active.version as active_version",
      "active.kind as active_kind",
      "active.status as active_status",
      "active.started as active_started",
      "active.waits_for as active_waits_for",
    ])
    .where("environment.project_id", "in", [...projectIds, ""])
    .orderBy("environment.position")
    .orderBy("environment.created_at")
    .orderBy("environment.id");

type Row = Awaited<ReturnType<ReturnType<typeof places>["execute"]>>[number];

/** All environments of these projects in their order, in one statement: a cell of the matrix each. */
export async function listPlaces(db: Database, projectIds: readonly string[]): Promise<PlaceState[]> {
  const rows = await places(db, projectIds).execute();
  return rows.map((row) => ({
    id: row.id,
    projectId: row.project_id,
    name: row.name,
    tier: Tier.parse(row.tier),
    position: row.position,
    current: currentOf(row),
    active: activeOf(row),
  }));
}

function currentOf(row: Row): PlaceState["current"] {
  if (row.current_number === null) return null;
  return {
    number: row.current_number,
    version: row.current_version ?? "",
    releaseVersion: row.current_release_version ?? "",
    since: fromMillis(row.current_ended_at ?? row.current_requested_at ?? 0),
  };
}

function activeOf(row: Row): ActivePart | null {
  if (row.active_number === null) return null;
  return {
    number: row.active_number,
    version: row.active_version ?? "",
    kind: Kind.parse(row.active_kind),
    status: Status.parse(row.active_status),
    started: row.active_started === 1,
    waitsFor: row.active_waits_for ?? "",
  };
}
