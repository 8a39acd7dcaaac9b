import { expect, it } from "vitest";
import { eachEngine } from "../../test/support/databases.ts";
import { deploymentScene } from "../../test/support/deployment-scene.ts";

/** How many environments are rolled back; HEADGATE_SOAK=1 for the long form. */
const COUNT = process.env["HEADGATE_SOAK"] === "1" ? 1_000 : 60;

eachEngine((engine) => {
  it(
    `${COUNT} environments rolled back at once, each of them twice, end with exactly one new deployment each`,
    async () => {
      const { db } = await engine.open();
      const scene = await deploymentScene(db);
      const names = Array.from({ length: COUNT }, (_, index) => `e${index}`);
      for (const name of names) {
        await scene.addEnvironment(name);
        await scene.past(name, "S1 S2");
      }
      const answers = await Promise.all([...names, ...names].map((name) => scene.rollBack(name)));
      expect(new Set(answers.map(({ number }) => number)).size).toBe(COUNT);
      for (const name of names)
        expect(await scene.all(name)).toMatchObject([
          { version: "1.0-rc1", status: "success" },
          { version: "1.0-rc2", status: "success" },
          { version: "1.0-rc1", status: "pending", started: true, kind: "rollback", environmentNumber: 3 },
        ]);
      const runs = await db.selectFrom("workflow_runs").select("id").execute();
      expect(runs.length).toBe(3 * COUNT);
    },
    60_000 + COUNT * 2_000,
  );
});
