import { createHash } from "node:crypto";
import { pino } from "pino";
import { beforeAll, expect, test } from "vitest";
import { as, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { proseOf } from "../../test/docs/pages.ts";
import { type Context, inTransaction } from "../context.ts";
import { canonicalJson, type Json } from "../kernel/canonical-json.ts";
import { countsOfEvents } from "./event-counts.ts";
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

  /** A log that keeps its lines. */
  const keptLog = () => {
    const lines: Record<string, unknown>[] = [];
    const write = (line: string): void => void lines.push(JSON.parse(line) as Record<string, unknown>);
    return { log: pino({ level: "debug" }, { write }), lines };
  };

  test("an event is one line in the log, written when it is committed", async () => {
    const { log, lines } = keptLog();
    const actor = { name: "ann", userId: "u1", tokenId: "t1", requestId: "r1" };
    const before = countsOfEvents().get("project.changed") ?? 0;
    await inTransaction(as({ ...ctx, log }, actor), async (tx) => {
      await recordEvent(tx, {
        kind: "project.changed",
        projectId: "0".repeat(24),
        subjectId: "s6",
        after: { password: "secret-1", yaml: "a: secret-2" },
      });
      await tx.db.selectFrom("events").select("id").execute();
      expect(lines).toEqual([]);
    });
    const id = (await bodyOf("s6")) as { id: string };
    const event = {
      id: id.id,
      kind: "project.changed",
      project: "0".repeat(24),
      subject: "s6",
      actor: "ann",
      user: "u1",
      requestId: "r1",
    };
    expect(lines).toMatchObject([{ level: 30, event, msg: "project.changed" }]);
    expect(lines[0]?.["event"]).toEqual(event);
    expect(JSON.stringify(lines)).not.toContain("secret");
    expect(countsOfEvents().get("project.changed")).toBe(before + 1);
    const page = proseOf("docs/operate/observe.md");
    expect(Object.keys(event).filter((field) => !page.includes(`| \`event.${field}\` |`))).toEqual([]);
  });

  test("the event of a failure is a warning", async () => {
    const { log, lines } = keptLog();
    await recordEvent({ ...ctx, log }, { kind: "distribution.failed", projectId: null, subjectId: "s7" });
    expect(lines).toMatchObject([{ level: 40, msg: "distribution.failed" }]);
  });

  test("nothing is told of a change that is undone", async () => {
    const { log, lines } = keptLog();
    const before = countsOfEvents().get("user.changed") ?? 0;
    const undone = inTransaction({ ...ctx, log }, async (tx) => {
      await recordEvent(tx, { kind: "user.changed", projectId: null, subjectId: "s8" });
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    expect(lines).toEqual([]);
    expect(countsOfEvents().get("user.changed") ?? 0).toBe(before);
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
