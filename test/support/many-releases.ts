import { sql } from "kysely";
import { type Database, type DatabaseOptions, openDatabase } from "../../src/storage/database.ts";
import { factsOf } from "../../src/storage/engine.ts";
import { migrate } from "../../src/storage/migrate.ts";
import { migrations } from "../../src/storage/migrations.ts";
import { fillTables, idOf, secondsOf } from "./fill-tables.ts";

/** Key of the project that has three in ten of all releases, and some that were deleted; seven others share the rest. */
export const PROJECT_KEY = "shop";

/** The last migration before lists had blocks and counts: what is filled in is in the form of that time. */
const BEFORE_LISTS = "0005-audit";

/** How long it took to make the database. */
export interface FillTimes {
  readonly fillSeconds: number;
  /** The migrations that came after the releases: they give them their blocks, and count them. */
  readonly upgradeSeconds: number;
}

/** Makes a database of so many releases as an older version kept them, and brings it up to date. */
export async function makeManyReleases(options: DatabaseOptions, releases: number): Promise<FillTimes> {
  const { db, close } = await openDatabase(options);
  try {
    const shipped = migrations.findIndex(({ name }) => name === BEFORE_LISTS) + 1;
    await migrate(db, migrations.slice(0, shipped));
    const fillSeconds = await secondsOf(() => insertReleases(db, releases));
    const upgradeSeconds = await secondsOf(() => migrate(db));
    // PostgreSQL does this by itself within minutes.
    if (factsOf(db).shared) await sql`analyze`.execute(db);
    return { fillSeconds, upgradeSeconds };
  } finally {
    await close();
  }
}

async function insertReleases(db: Database, releases: number): Promise<void> {
  await db
    .insertInto("projects")
    .values(
      Array.from({ length: 8 }, (_, index) => ({
        id: `${PROJECT_ID_START}${index}`,
        key: index === 0 ? PROJECT_KEY : `other-${index}`,
        name: `project ${index}`,
        created_at: 0,
      })),
    )
    .execute();
  await fillTables(db, releases, INSERTS);
}

const PROJECT_ID_START = "0".repeat(23);
const DELETED = "i % 100 = 98";
const PROJECT_ID = `'${PROJECT_ID_START}' || case when i % 10 < 3 or ${DELETED} then 0 else 1 + i % 7 end`;
const STATUS =
  "case when i / 10 % 100 < 2 then 'creating' when i / 10 % 100 < 10 then 'failed' else 'success' end";
/** Three at once every second. */
const CREATED_AT = "1700000000000 + cast(i / 3 as bigint) * 1000";
const LABELS = { nightly: "i % 2 = 0", stable: "i % 10 = 1", rare: "i % 1000 = 1" };
const LABELS_JSON = `case when ${LABELS.nightly} then '["nightly"]' when ${LABELS.rare} then '["stable","rare"]'
  when ${LABELS.stable} then '["stable"]' else '[]' end`;

const INSERTS: readonly string[] = [
  `insert into releases (id, project_id, version, stage, created_at)
    select ${idOf("a")}, ${PROJECT_ID}, 'v' || i, 'draft', ${CREATED_AT} from series`,
  `insert into release_contents (id, release_id, project_id, version, packaging, source, environment_name, production,
      original_content_id, description, labels_json, target_connection_id, wire_extras_json, created_by, created_at,
      deleted_at)
    select ${idOf("b")}, ${idOf("a")}, ${PROJECT_ID}, 'v' || i, 'manifests', 'manual', '', 0, null,
      'what is new in this version', ${LABELS_JSON}, null, '{}', 'somebody', ${CREATED_AT},
      case when ${DELETED} then ${CREATED_AT} end from series`,
  ...Object.entries(LABELS).map(
    ([label, condition]) => `insert into release_labels (content_id, label)
      select ${idOf("b")}, '${label}' from series where ${condition}`,
  ),
  `insert into release_items (id, content_id, service_name, position, container_name, image_name, source_image,
      source_tag, target_image, target_tag, push, source_connection_id, source_repository, target_connection_id,
      target_repository, source_digest, pinned_digest, pinned_at, pin_problem)
    select ${idOf("c")}, ${idOf("b")}, 'api', 0, 'api', 'api', '', '', '', '', 1, null, '', null, '', null, null, null,
      null from series`,
  `insert into distributions (id, content_id, project_id, status, error, attempt, task_id, total_bytes,
      verified_bytes, created_at, ended_at)
    select ${idOf("d")}, ${idOf("b")}, ${PROJECT_ID}, ${STATUS}, '', 1, ${idOf("e")}, 0, 0, ${CREATED_AT}, null
      from series`,
  `insert into distribution_steps (distribution_id, item_id, status, error, verified_digest, updated_at)
    select ${idOf("d")}, ${idOf("c")}, case ${STATUS} when 'success' then 'verified' else 'failed' end, '', null,
      ${CREATED_AT} from series`,
];
