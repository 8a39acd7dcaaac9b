import { sql } from "kysely";
import { beforeAll, expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import type { Database } from "./database.ts";
import { isUniqueViolation } from "./unique-violation.ts";

const project = (id: string, key: string) => ({ id, key, name: `${key} ${id}`, created_at: 1 });
const failure = (query: { execute(): Promise<unknown> }): Promise<unknown> =>
  query.execute().then(
    () => null,
    (error: unknown) => error,
  );

eachEngine((engine) => {
  let db: Database;
  beforeAll(async () => {
    db = (await engine.open()).db;
    await db.insertInto("projects").values(project("1", "shop")).execute();
    const service = { id: "1", project_id: "1", name: "api", created_at: 1 };
    await db.insertInto("services").values(service).execute();
  });

  it("names a unique column", async () => {
    const error = await failure(db.insertInto("projects").values(project("2", "shop")));
    expect(isUniqueViolation(error)).toBe(true);
    expect(isUniqueViolation(error, "projects")).toBe(true);
    expect(isUniqueViolation(error, "projects", ["key"])).toBe(true);
    expect(isUniqueViolation(error, "projects", ["id"])).toBe(false);
    expect(isUniqueViolation(error, "services")).toBe(false);
  });

  it("names a primary key", async () => {
    const error = await failure(db.insertInto("projects").values(project("1", "other")));
    expect(isUniqueViolation(error, "projects", ["id"])).toBe(true);
    expect(isUniqueViolation(error, "projects", ["key"])).toBe(false);
  });

  it("names several columns, in any order", async () => {
    const service = { id: "2", project_id: "1", name: "api", created_at: 1 };
    const error = await failure(db.insertInto("services").values(service));
    expect(isUniqueViolation(error, "services", ["name", "project_id"])).toBe(true);
    expect(isUniqueViolation(error, "services", ["name"])).toBe(false);
  });

  it("names a column that is unique among some rows only", async () => {
    await sql`create unique index settings_live on settings (value) where name like 'live%'`.execute(db);
    const setting = (name: string) => db.insertInto("settings").values({ name, value: "one" });
    for (const name of ["live 1", "gone 1", "gone 2"]) await setting(name).execute();
    expect(isUniqueViolation(await failure(setting("live 2")), "settings", ["value"])).toBe(true);
  });

  it("is not what another constraint or another failure is", async () => {
    const orphan = { id: "3", project_id: "none", name: "x", created_at: 1 };
    expect(isUniqueViolation(await failure(db.insertInto("services").values(orphan)))).toBe(false);
    const missing = { id: "4", project_id: "1", name: null as unknown as string, created_at: 1 };
    expect(isUniqueViolation(await failure(db.insertInto("services").values(missing)))).toBe(false);
    expect(isUniqueViolation(new Error("UNIQUE constraint failed: projects.key"))).toBe(false);
    expect(isUniqueViolation("23505")).toBe(false);
  });
});
