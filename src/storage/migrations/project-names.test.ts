import { expect, it } from "vitest";
import { eachEngine } from "../../../test/support/databases.ts";
import { Project } from "../../projects/project.ts";
import { openDatabase } from "../database.ts";
import { migrate } from "../migrate.ts";
import { migrations } from "../migrations.ts";

const LONG = "x".repeat(128);

eachEngine((engine) => {
  it("projects of one name are told apart by a new version, whatever others are called", async () => {
    const { db, close } = await openDatabase(await engine.place());
    const before = migrations.findIndex(({ name }) => name === "0010-environments");
    await migrate(db, migrations.slice(0, before));
    const named = [
      ["web", "Shop"],
      ["app", "Shop"],
      ["old", "Shop (app)"],
      ["new", "Shop (web)"],
      ["long", LONG],
      ["longer", LONG],
    ] as const;
    // Both orders of who is older.
    for (const [index, [key, name]] of [
      ...named,
      ["zoo", "Zoo (bar)"],
      ["foo", "Zoo"],
      ["bar", "Zoo"],
    ].entries())
      await db
        .insertInto("projects")
        .values({
          id: String(index).padStart(24, "0"),
          key: key ?? "",
          name: name ?? "",
          created_at: 1,
        } as never)
        .execute();
    await migrate(db);
    const rows = await db.selectFrom("projects").select(["key", "name"]).execute();
    expect(new Set(rows.map(({ name }) => name)).size).toBe(rows.length);
    expect(rows.every(({ name }) => Project.shape.name.safeParse(name).success)).toBe(true);
    expect(rows.find(({ key }) => key === "web")?.name).toBe("Shop");
    await close();
  });
});
