import { createHash } from "node:crypto";
import { beforeAll, expect, test } from "vitest";
import { as, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { type Context, inTransaction } from "../context.ts";
import { canonicalJson, type Json } from "../kernel/canonical-json.ts";
import { recordEvent } from "./record-event.ts";

eachEngine((engine) => {
  let ctx: Context;
  beforeAll(async () => {
    ctx = testContext((await engine.open()).db, { now: () => new Date("2026-11-22T10:00:00.123Z") });
  });

  const bodyOf = async (subjectId: string): Promise<unknown> => {
    const row = await ctx.db
      .selectFrom("events")
      .selectAll()
      .where("subject_id", "=", subjectId)
      .executeTakeFirstOrThrow();
    return JSON.parse(row.body_json);
  };

  test("an event says who did what, when and from where, and has no place yet", async () => {
    const projectId = "0".repeat(24);
    const somebody = as(ctx, {
      name: "ann",
      userId: "u1",
      tokenId: "t1",
      address: "192.0.2.7",
      requestId: "r1",
    });
    await inTransaction(somebody, (tx) =>
      recordEvent(tx, {
        kind: "project.changed",
        projectId,
        subjectId: "s1",
        before: { name: "a", at: new Date(0) },
        after: { name: "b", gone: undefined },
      }),
    );
    const row = await ctx.db
      .selectFrom("events")
      .selectAll()
      .where("subject_id", "=", "s1")
      .executeTakeFirstOrThrow();
    expect(row).toMatchObject({
      chain: projectId,
      project_id: projectId,
      kind: "project.changed",
      created_at: Date.parse("2026-11-22T10:00:00.123Z"),
      sequence: null,
      hash: null,
    });
    expect(row.body_json).toBe(canonicalJson(JSON.parse(row.body_json) as Json));
    expect(JSON.parse(row.body_json)).toEqual({
      id: row.id,
      chain: projectId,
      kind: "project.changed",
      projectId,
      subjectId: "s1",
      actor: { name: "ann", userId: "u1", tokenId: "t1" },
      address: "192.0.2.7",
      requestId: "r1",
      before: { name: "a", at: "1970-01-01T00:00:00.000Z" },
      after: { name: "b" },
      createdAt: "2026-11-22T10:00:00.123Z",
    });
  });

  test("what belongs to no project goes to the chain system", async () => {
    await recordEvent(ctx, { kind: "user.created", projectId: null, subjectId: "s2" });
    expect(await bodyOf("s2")).toMatchObject({ chain: "system", projectId: null, before: null, after: null });
  });

  test("no secret and no YAML gets into the database", async () => {
    const yaml = "kind: Secret\ndata: { key: c2VjcmV0LWluLXlhbWw= }\n";
    const change = {
      password: "secret-1",
      nested: [{ accessToken: "secret-2", headers: { Authorization: "Basic secret-3" } }],
      url: "https://ann:secret-4@registry.example/?token=secret-5",
      text: "made hg_0123_secret-6 today",
      services: [{ receivedYaml: yaml, yaml_content: yaml }],
    };
    await recordEvent(ctx, {
      kind: "release.created",
      projectId: null,
      subjectId: "s3",
      before: change,
      after: change,
    });
    const text = JSON.stringify(await ctx.db.selectFrom("events").selectAll().execute());
    expect(text).not.toMatch(/secret-\d|c2VjcmV0/);
    const sha256 = createHash("sha256").update(yaml).digest("hex");
    expect(await bodyOf("s3")).toMatchObject({
      after: { services: [{ receivedYaml: { sha256 }, yaml_content: { sha256 } }] },
    });
  });

  test("texts that a database or canonical JSON would refuse are recorded all the same", async () => {
    await recordEvent(ctx, {
      kind: "release.created",
      projectId: null,
      subjectId: "s4",
      after: "nul \u0000 half \ud83d",
    });
    expect(await bodyOf("s4")).toMatchObject({ after: "nul \u0000 half \ufffd" });
  });

  test("nothing is recorded of a change that is undone", async () => {
    const undone = inTransaction(ctx, async (tx) => {
      await recordEvent(tx, { kind: "project.created", projectId: null, subjectId: "s5" });
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    await expect(bodyOf("s5")).rejects.toThrow("no result");
  });
});
