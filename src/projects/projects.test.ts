import { expect, it } from "vitest";
import { as, asRole, recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { NOBODY } from "../access/actor.ts";
import { inTransaction } from "../context.ts";
import { Cursor, type CursorRequest } from "../kernel/page.ts";
import { changeProject } from "./change-project.ts";
import { createProject } from "./create-project.ts";
import { createService } from "./create-service.ts";
import { ensureServices } from "./ensure-services.ts";
import { getProject } from "./get-project.ts";
import { listProjects } from "./list-projects.ts";
import { listServices } from "./list-services.ts";

const page: CursorRequest = { after: null, limit: 50 };

eachEngine((engine) => {
  async function begin() {
    const { db } = await engine.open();
    const ctx = testContext(db);
    const shop = await createProject(ctx, { key: "shop", name: "Shop" });
    return { db, ctx, shop };
  }
  const names = async (ctx: ReturnType<typeof testContext>, projectKey: string) =>
    (await listServices(ctx, { projectKey, page })).items.map((service) => service.name).toSorted();

  it("makes exactly one project when two of a key are asked for at once", async () => {
    const { ctx } = await begin();
    const asked = await Promise.allSettled([
      createProject(ctx, { key: "bank", name: "Bank" }),
      createProject(ctx, { key: "bank", name: "Other bank" }),
    ]);
    expect(asked.map((answer) => answer.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    const refused = asked.find((answer) => answer.status === "rejected");
    expect(refused?.reason).toMatchObject({ code: "PROJECT_EXISTS" });
  });

  it("refuses keys that no project may have, and names the field", async () => {
    const { ctx } = await begin();
    for (const key of ["", "Shop", "../shop", "shop/web", "a".repeat(64), "-a", "a--b", "a\n"])
      await expect(createProject(ctx, { key, name: "x" })).rejects.toMatchObject({
        code: "INPUT_INVALID",
        message: expect.stringMatching(/^key: /) as string,
      });
  });

  it("lets system admins only make projects", async () => {
    const { ctx, shop } = await begin();
    const asked = createProject(asRole(ctx, shop.id, "admin"), { key: "bank", name: "Bank" });
    await expect(asked).rejects.toMatchObject({ code: "FORBIDDEN" });
  });

  it("lets a project's admin rename it, and records what was and what is", async () => {
    const { db, ctx, shop } = await begin();
    const change = { key: "shop", name: "Web shop" };
    await expect(changeProject(asRole(ctx, shop.id, "approver"), change)).rejects.toMatchObject({
      code: "FORBIDDEN",
    });
    await changeProject(asRole(ctx, shop.id, "admin"), change);
    expect((await getProject(ctx, "shop")).name).toBe("Web shop");
    const event = (await recordedEvents(db)).at(-1);
    expect(event?.kind).toBe("project.changed");
    expect(JSON.parse(event?.json ?? "")).toMatchObject({
      projectId: shop.id,
      actor: { name: "admin" },
      before: { name: "Shop" },
      after: { name: "Web shop" },
    });
  });

  it("lets a project's admin say that its releases take along what is attached to images", async () => {
    const { db, ctx, shop } = await begin();
    expect(shop.withReferrers).toBe(false);
    await changeProject(asRole(ctx, shop.id, "admin"), { key: "shop", withReferrers: true });
    expect(await getProject(ctx, "shop")).toEqual({ ...shop, withReferrers: true });
    expect(JSON.parse((await recordedEvents(db)).at(-1)?.json ?? "")).toMatchObject({
      before: { name: "Shop", withReferrers: false },
      after: { name: "Shop", withReferrers: true },
    });
    await changeProject(ctx, { key: "shop", name: "Web shop" });
    expect(await getProject(ctx, "shop")).toMatchObject({ name: "Web shop", withReferrers: true });
    const bank = await createProject(ctx, { key: "bank", name: "Bank", withReferrers: true });
    expect(await getProject(ctx, "bank")).toEqual(bank);
  });

  it("records nothing when everything stays as it is", async () => {
    const { db, ctx } = await begin();
    await changeProject(ctx, { key: "shop", name: "Shop", withReferrers: false });
    await changeProject(ctx, { key: "shop" });
    expect((await recordedEvents(db)).map((event) => event.kind)).toEqual(["project.created"]);
  });

  it("shows nobody a project in which they have no role", async () => {
    const { ctx, shop } = await begin();
    const bank = await createProject(ctx, { key: "bank", name: "Bank" });
    const viewer = asRole(ctx, bank.id, "viewer");
    expect((await listProjects(viewer, page)).items).toEqual([bank]);
    expect((await listProjects(as(ctx, NOBODY), page)).items).toEqual([]);
    expect((await listProjects(ctx, page)).items).toEqual([bank, shop]);
    const unknown = { code: "PROJECT_NOT_FOUND" };
    await expect(getProject(viewer, "shop")).rejects.toMatchObject(unknown);
    await expect(changeProject(viewer, { key: "shop", name: "x" })).rejects.toMatchObject(unknown);
    await expect(createService(viewer, { projectKey: "shop", name: "web" })).rejects.toMatchObject(unknown);
    await expect(listServices(viewer, { projectKey: "shop", page })).rejects.toMatchObject(unknown);
  });

  it("lists projects page by page, newest first, without gaps", async () => {
    const { ctx } = await begin();
    for (const key of ["a", "b", "c", "d"]) await createProject(ctx, { key, name: key });
    const seen: string[] = [];
    let after: CursorRequest["after"] = null;
    do {
      const part: Awaited<ReturnType<typeof listProjects>> = await listProjects(ctx, { after, limit: 2 });
      seen.push(...part.items.map((project) => project.key));
      after = part.next === null ? null : Cursor.parse(part.next);
    } while (after !== null);
    expect(seen).toEqual(["d", "c", "b", "a", "shop"]);
  });

  it("makes a service for a releaser, not for a viewer, and not twice", async () => {
    const { ctx, shop } = await begin();
    const web = { projectKey: "shop", name: "web" };
    await expect(createService(asRole(ctx, shop.id, "viewer"), web)).rejects.toMatchObject({
      code: "FORBIDDEN",
    });
    await createService(asRole(ctx, shop.id, "releaser"), web);
    await expect(createService(ctx, web)).rejects.toMatchObject({ code: "SERVICE_EXISTS" });
    expect(await names(ctx, "shop")).toEqual(["web"]);
  });

  it("refuses names that no service may have", async () => {
    const { ctx } = await begin();
    for (const name of ["", ".web", "-web", "a b", "a/b", "../web", "a".repeat(129)])
      await expect(createService(ctx, { projectKey: "shop", name })).rejects.toMatchObject({
        code: "INPUT_INVALID",
      });
  });

  it("makes the services a release needs, with an event each, and leaves known ones alone", async () => {
    const { db, ctx, shop } = await begin();
    await createService(ctx, { projectKey: "shop", name: "web" });
    await inTransaction(ctx, (tx) => ensureServices(tx, shop.id, ["worker", "web", "api", "worker"]));
    expect(await names(ctx, "shop")).toEqual(["api", "web", "worker"]);
    const kinds = (await recordedEvents(db)).map((event) => event.kind);
    expect(kinds).toEqual(["project.created", "service.created", "service.created", "service.created"]);
  });

  it("makes each service once when releases ask for the same ones at once", async () => {
    const { ctx, shop } = await begin();
    const wanted = ["a", "b", "c", "d"];
    await Promise.all(
      [wanted, wanted.toReversed(), ["d", "a"]].map((order) =>
        inTransaction(ctx, (tx) => ensureServices(tx, shop.id, order)),
      ),
    );
    expect(await names(ctx, "shop")).toEqual(wanted);
  });

  it("makes no service when the caller's transaction fails", async () => {
    const { db, ctx, shop } = await begin();
    const failed = inTransaction(ctx, async (tx) => {
      await ensureServices(tx, shop.id, ["web"]);
      throw new Error("no release after all");
    });
    await expect(failed).rejects.toThrow("no release after all");
    expect(await names(ctx, "shop")).toEqual([]);
    expect(await recordedEvents(db)).toHaveLength(1);
  });
});
