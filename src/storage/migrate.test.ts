import { expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { openDatabase } from "./database.ts";
import { migrate } from "./migrate.ts";
import { migrations } from "./migrations.ts";

eachEngine((engine) => {
  it("runs every migration once and tells which", async () => {
    const { db, close } = await openDatabase(await engine.place());
    expect(await migrate(db)).toEqual(migrations.map(({ name }) => name));
    expect(await migrate(db)).toEqual([]);
    await close();
  });
});
