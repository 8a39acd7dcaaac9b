import type { Selectable } from "kysely";
import { fromMillis, toMillis } from "../kernel/time.ts";
import type { Database } from "../storage/database.ts";
import type { Tables } from "../storage/tables.ts";
import * as z from "zod";
import { Freeze, FreezeSchedule, type FreezeScope, type FrozenPlace } from "./freeze.ts";
import { Tier } from "./tier.ts";

type Row = Selectable<Tables["freezes"]>;

const { effect: Effect, bypass: Bypass, origin: Origin } = Freeze.shape;

const toFreeze = (row: Row): Freeze => ({
  id: row.id,
  name: row.name,
  scope: scopeOf(row),
  effect: Effect.parse(row.effect),
  schedule: z.decode(FreezeSchedule, JSON.parse(row.schedule_json) as never),
  reason: row.reason,
  ownerName: row.owner_name,
  createdBy: row.created_by,
  createdAt: fromMillis(row.created_at),
  expiresAt: fromMillis(row.expires_at),
  bypass: Bypass.parse(row.bypass),
  origin: Origin.parse(row.origin),
  liftedAt: fromMillis(row.lifted_at),
  liftedBy: row.lifted_by,
});

function scopeOf(row: Row): FreezeScope {
  const projectId = row.project_id ?? "";
  switch (row.level) {
    case "project":
      return { level: "project", projectId };
    case "tier":
      return { level: "tier", tier: Tier.parse(row.tier), projectId: row.project_id };
    case "environment":
      return { level: "environment", projectId, environmentId: row.environment_id ?? "" };
    case "everything":
      return { level: "everything" };
    default:
      throw new Error(`freeze ${row.id} has the level ${row.level}`);
  }
}

const scopeColumns = (scope: FreezeScope) => ({
  level: scope.level,
  project_id: "projectId" in scope ? scope.projectId : null,
  tier: scope.level === "tier" ? scope.tier : null,
  environment_id: scope.level === "environment" ? scope.environmentId : null,
});

/** False when a freeze of this name is there that was not lifted. */
export async function insertFreeze(tx: Database, freeze: Freeze): Promise<boolean> {
  const result = await tx
    .insertInto("freezes")
    .values({
      id: freeze.id,
      name: freeze.name,
      ...scopeColumns(freeze.scope),
      effect: freeze.effect,
      schedule_json: JSON.stringify(z.encode(FreezeSchedule, freeze.schedule)),
      reason: freeze.reason,
      owner_name: freeze.ownerName,
      created_by: freeze.createdBy,
      created_at: freeze.createdAt.getTime(),
      expires_at: toMillis(freeze.expiresAt),
      bypass: freeze.bypass,
      origin: freeze.origin,
      lifted_at: null,
      lifted_by: null,
    })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst();
  return result.numInsertedOrUpdatedRows === 1n;
}

/** The freeze of this id, or the one of this name that was not lifted. */
export async function findFreeze(db: Database, idOrName: string): Promise<Freeze | null> {
  const row = await db
    .selectFrom("freezes")
    .selectAll()
    .where((row) =>
      row.or([row("id", "=", idOrName), row.and([row("name", "=", idOrName), row("lifted_at", "is", null)])]),
    )
    .executeTakeFirst();
  return row ? toFreeze(row) : null;
}

/** The freezes in force at this moment that are about an environment. */
export async function listFreezesAbout(db: Database, place: FrozenPlace, at: Date): Promise<Freeze[]> {
  const rows = await db
    .selectFrom("freezes")
    .selectAll()
    .where("lifted_at", "is", null)
    .where((row) => row.or([row("expires_at", "is", null), row("expires_at", ">", at.getTime())]))
    .where((row) =>
      row.or([
        row("level", "=", "everything"),
        row.and([row("level", "=", "project"), row("project_id", "=", place.projectId)]),
        row.and([
          row("level", "=", "tier"),
          row("tier", "=", place.tier),
          row.or([row("project_id", "is", null), row("project_id", "=", place.projectId)]),
        ]),
        row.and([row("level", "=", "environment"), row("environment_id", "=", place.environmentId)]),
      ]),
    )
    .orderBy("created_at")
    .orderBy("id")
    .execute();
  return rows.map(toFreeze);
}

/** Freezes that were not lifted, oldest first: those about everything or one of these projects; null: all of them. */
export async function listFreezes(db: Database, projectIds: readonly string[] | null): Promise<Freeze[]> {
  const rows = await db
    .selectFrom("freezes")
    .selectAll()
    .where("lifted_at", "is", null)
    .$if(projectIds !== null, (query) =>
      query.where((row) =>
        row.or([row("project_id", "is", null), row("project_id", "in", [...(projectIds ?? []), ""])]),
      ),
    )
    .orderBy("created_at")
    .orderBy("id")
    .execute();
  return rows.map(toFreeze);
}

/** False when it was lifted already. */
export async function markLifted(
  tx: Database,
  id: string,
  lifted: { readonly by: string; readonly at: Date },
): Promise<boolean> {
  const result = await tx
    .updateTable("freezes")
    .set({ lifted_at: lifted.at.getTime(), lifted_by: lifted.by })
    .where("id", "=", id)
    .where("lifted_at", "is", null)
    .executeTakeFirst();
  return result.numUpdatedRows === 1n;
}
