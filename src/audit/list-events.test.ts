import { beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { as, asRole, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import type { Context } from "../context.ts";
import { Cursor } from "../kernel/page.ts";
import { createProject } from "../projects/create-project.ts";
import { exportEvents } from "./export-events.ts";
import { listEvents } from "./list-events.ts";
import { recordEvent } from "./record-event.ts";
import { sealEvents } from "./seal-events.ts";
import { signingKey } from "./signing-key.ts";

eachEngine((engine) => {
  let ctx: Context;
  let shop: string;
  const first = { after: null, limit: 50 };

  beforeAll(async () => {
    ctx = testContext((await engine.open()).db);
    shop = (await createProject(ctx, { key: "shop", name: "Shop" })).id;
    await createProject(ctx, { key: "other", name: "Other" });
    for (const subjectId of ["r1", "r2", "r3"])
      await recordEvent(ctx, { kind: "release.created", projectId: shop, subjectId, after: { subjectId } });
    await recordEvent(ctx, { kind: "release.deleted", projectId: shop, subjectId: "r1" });
    await recordEvent(ctx, { kind: "user.created", projectId: null, subjectId: "u1" });
    const sealer = { holder: "test", signer: await signingKey(ctx) };
    for (const chain of [shop, "system"]) await sealEvents(ctx, sealer, chain);
    await recordEvent(ctx, { kind: "release.deleted", projectId: shop, subjectId: "not sealed yet" });
  });

  test("a feed reads sealed events by sequence, oldest first, and goes on behind the last", async () => {
    const page = await listEvents(ctx, { projectKey: "shop", page: { after: null, limit: 3 } });
    expect(page.items.map(({ sequence, subjectId }) => [sequence, subjectId])).toEqual([
      [1, shop],
      [2, "r1"],
      [3, "r2"],
    ]);
    const after = z.decode(Cursor, page.next ?? "");
    const rest = await listEvents(ctx, { projectKey: "shop", page: { after, limit: 3 } });
    expect(rest.items.map(({ sequence }) => sequence)).toEqual([4, 5]);
    expect(rest.next).toBeNull();
  });

  test("people read the newest first, page by page", async () => {
    const page = await listEvents(ctx, {
      projectKey: "shop",
      newestFirst: true,
      page: { after: null, limit: 2 },
    });
    expect(page.items.map(({ sequence }) => sequence)).toEqual([5, 4]);
    const after = z.decode(Cursor, page.next ?? "");
    const rest = await listEvents(ctx, { projectKey: "shop", newestFirst: true, page: { after, limit: 9 } });
    expect(rest.items.map(({ sequence }) => sequence)).toEqual([3, 2, 1]);
  });

  test("an event is read as it was written", async () => {
    const { items } = await listEvents(ctx, { projectKey: "shop", subjectId: "r2", page: first });
    expect(items).toEqual([
      expect.objectContaining({
        kind: "release.created",
        projectId: shop,
        actor: { name: "system", userId: null, tokenId: null },
        before: null,
        after: { subjectId: "r2" },
        createdAt: expect.any(Date) as Date,
        hash: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      }),
    ]);
  });

  test("kind and subject narrow the list down", async () => {
    const kinds = await listEvents(ctx, { projectKey: "shop", kinds: ["release.deleted"], page: first });
    expect(kinds.items.map(({ subjectId }) => subjectId)).toEqual(["r1"]);
    const both = await listEvents(ctx, {
      projectKey: "shop",
      kinds: ["release.created"],
      subjectId: "r1",
      page: first,
    });
    expect(both.items.map(({ sequence }) => sequence)).toEqual([2]);
    expect((await listEvents(ctx, { projectKey: "shop", kinds: [], page: first })).items).toEqual([]);
  });

  test("a viewer reads its own project only, a system admin the system's events too", async () => {
    const viewer = asRole(ctx, shop, "viewer");
    expect((await listEvents(viewer, { projectKey: "shop", page: first })).items).toHaveLength(5);
    for (const read of [
      (by: Context, projectKey: string | null) => listEvents(by, { projectKey, page: first }),
      (by: Context, projectKey: string | null) => exportEvents(by, { projectKey }),
    ]) {
      await expect(read(viewer, "other")).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
      await expect(read(viewer, null)).rejects.toMatchObject({ code: "FORBIDDEN" });
      await expect(read(as(ctx, {}), "shop")).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
    }
    const { items } = await listEvents(ctx, { projectKey: null, page: first });
    expect(items.map(({ kind }) => kind)).toEqual(["user.created"]);
  });
});
