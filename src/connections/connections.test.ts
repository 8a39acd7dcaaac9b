import { expect, it } from "vitest";
import { makeCertificate } from "../../test/support/certificates.ts";
import { as, asRole, recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { NOBODY } from "../access/actor.ts";
import type { Context } from "../context.ts";
import { newId } from "../kernel/id.ts";
import { changeProject } from "../projects/change-project.ts";
import { createProject } from "../projects/create-project.ts";
import type { Database } from "../storage/database.ts";
import { changeWorkflow } from "../workflows/change-workflow.ts";
import { createWorkflow } from "../workflows/create-workflow.ts";
import { changeConnection } from "./change-connection.ts";
import type { ConnectionDraft } from "./connection.ts";
import { findSecret, setTokenHosts } from "./connection-store.ts";
import { createConnection } from "./create-connection.ts";
import { deleteConnection } from "./delete-connection.ts";
import { ensureBuiltInConnection } from "./ensure-built-in-connection.ts";
import { connectionFinder } from "./find-connection-for.ts";
import { getConnection } from "./get-connection.ts";
import { listConnections } from "./list-connections.ts";

const PASSWORD = "hunter2 of the registry";
const page = { after: null, limit: 50 };
const invalid = (message: RegExp) => ({
  code: "INPUT_INVALID",
  message: expect.stringMatching(message) as string,
});

/** A release that is not deleted and has one image from and to these connections. */
async function insertRelease(
  db: Database,
  projectId: string,
  source: string,
  target: string,
): Promise<string> {
  const [releaseId, contentId] = [newId(new Date()), newId(new Date())];
  await db
    .insertInto("releases")
    .values({ id: releaseId, project_id: projectId, version: releaseId, stage: "draft", created_at: 1 })
    .execute();
  await db
    .insertInto("release_contents")
    .values({
      id: contentId,
      release_id: releaseId,
      project_id: projectId,
      version: releaseId,
      packaging: "manifests",
      source: "manual",
      environment_name: "",
      production: 0,
      original_content_id: null,
      description: "",
      labels_json: "[]",
      target_connection_id: null,
      wire_extras_json: "{}",
      created_by: "x",
      created_at: 1,
      deleted_at: null,
    })
    .execute();
  await db
    .insertInto("release_items")
    .values({
      id: newId(new Date()),
      content_id: contentId,
      service_name: "web",
      position: 0,
      container_name: "web",
      image_name: "web",
      source_image: "",
      source_tag: "",
      target_image: "",
      target_tag: "",
      push: 1,
      source_connection_id: source,
      source_repository: "",
      target_connection_id: target,
      target_repository: "",
      source_digest: null,
      pinned_digest: null,
      pinned_at: null,
      pin_problem: null,
    })
    .execute();
  return contentId;
}

eachEngine((engine) => {
  async function begin() {
    const { db } = await engine.open();
    const ctx = testContext(db);
    const shop = await createProject(ctx, { key: "shop", name: "Shop" });
    const bank = await createProject(ctx, { key: "bank", name: "Bank" });
    return { db, ctx, shop, bank };
  }
  const make = (ctx: Context, draft: Partial<ConnectionDraft> = {}) =>
    createConnection(ctx, { name: "main", host: "registry.example.com", ...draft });
  const withPassword = { username: "robot", password: PASSWORD };

  it("are anonymous, https, public and shared with nobody unless said otherwise", async () => {
    const { ctx } = await begin();
    const made = await make(ctx);
    expect(made).toMatchObject({
      kind: "registry",
      namespace: "",
      provider: "native",
      region: "",
      isDefault: false,
      plainHttp: false,
      allowPrivate: false,
      caPem: null,
      username: null,
      hasPassword: false,
      tokenHosts: [],
      allProjects: false,
      projects: [],
      builtIn: false,
    });
    expect(await getConnection(ctx, made.id)).toEqual(made);
    expect(await getConnection(ctx, "main")).toEqual(made);
  });

  it("keep all that was said of them", async () => {
    const { ctx, shop } = await begin();
    const draft = {
      namespace: "team/apps",
      provider: "harbor" as const,
      region: "eu-1",
      isDefault: true,
      plainHttp: true,
      allowPrivate: true,
      caPem: makeCertificate("registry.example.com").certificatePem,
      username: "robot",
    };
    const made = await make(ctx, { ...draft, password: PASSWORD, projects: ["shop", "shop"] });
    const expected = { ...draft, hasPassword: true, projects: [{ id: shop.id, key: "shop" }] };
    expect(made).toMatchObject(expected);
    expect(await getConnection(ctx, made.id)).toEqual(made);
  });

  it("are made, changed and deleted by system admins alone", async () => {
    const { ctx, shop } = await begin();
    const made = await make(ctx, { allProjects: true });
    const admin = asRole(ctx, shop.id, "admin");
    const forbidden = { code: "FORBIDDEN" };
    await expect(make(admin, { name: "other" })).rejects.toMatchObject(forbidden);
    await expect(changeConnection(admin, { connection: made.id, change: {} })).rejects.toMatchObject(
      forbidden,
    );
    await expect(deleteConnection(admin, made.id)).rejects.toMatchObject(forbidden);
  });

  it("never show a password: not in replies, lists or events, and sealed in the database", async () => {
    const { db, ctx } = await begin();
    const made = await make(ctx, withPassword);
    const changed = await changeConnection(ctx, {
      connection: "main",
      change: { password: `${PASSWORD}, new` },
    });
    const { sealedPassword } = await findSecret(db, made.id);
    expect(ctx.secrets.open(sealedPassword ?? "", made.id)).toBe(`${PASSWORD}, new`);
    await deleteConnection(ctx, made.id);
    const events = await recordedEvents(db);
    const kinds = events.map((event) => event.kind).filter((kind) => kind.startsWith("connection."));
    expect(kinds).toEqual(["connection.created", "connection.changed", "connection.deleted"]);
    const shown = [made, changed, await listConnections(ctx, page), sealedPassword, events];
    expect(JSON.stringify(shown.slice(0, 3))).not.toContain("hgk1_");
    expect(JSON.stringify(events)).not.toContain("hgk1_");
    expect(JSON.stringify(shown)).not.toContain("hunter2");
  });

  it("cannot use a password that was sealed for another one", async () => {
    const { db, ctx } = await begin();
    const one = await make(ctx, withPassword);
    const other = await make(ctx, { name: "other" });
    const { sealedPassword } = await findSecret(db, one.id);
    expect(() => ctx.secrets.open(sealedPassword ?? "", other.id)).toThrow("unable to authenticate");
  });

  it("refuse what will not do, naming the field, and leave nothing behind", async () => {
    const { ctx } = await begin();
    const bad: [Partial<Record<keyof ConnectionDraft, unknown>>, RegExp][] = [
      [{ name: "" }, /^name: /],
      [{ name: "a b" }, /^name: /],
      [{ name: "built-in" }, /^name: built-in is /],
      [{ name: "0".repeat(24) }, /^name: must not look like an id/],
      [{ host: "https://registry.example.com" }, /^host: must be a host or host:port/],
      [{ host: "user@registry.example.com" }, /^host: /],
      [{ namespace: "team/" }, /^namespace: /],
      [{ provider: "quay" }, /^provider: /],
      [{ username: "robot" }, /^username and password: /],
      [{ password: PASSWORD }, /^username and password: /],
      [{ password: "", username: "robot" }, /^password: /],
      [{ caPem: "not a certificate" }, /^caPem: not a certificate/],
      [{ plainHttp: "yes" }, /^plainHttp: /],
      [{ projects: ["../shop"] }, /^projects\.0: /],
    ];
    for (const [draft, message] of bad)
      await expect(make(ctx, draft as Partial<ConnectionDraft>)).rejects.toMatchObject(invalid(message));
    await expect(make(ctx, { projects: ["elsewhere"] })).rejects.toMatchObject({ code: "PROJECT_NOT_FOUND" });
    expect((await listConnections(ctx, page)).items).toEqual([]);
  });

  it("have names of their own, also when two are made or renamed at once", async () => {
    const { ctx } = await begin();
    const exists = { code: "CONNECTION_EXISTS" };
    const ends = await Promise.allSettled([make(ctx), make(ctx)]);
    expect(ends.map((end) => end.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(ends.find((end) => end.status === "rejected")?.reason).toMatchObject(exists);
    await make(ctx, { name: "other" });
    await expect(
      changeConnection(ctx, { connection: "other", change: { name: "main" } }),
    ).rejects.toMatchObject(exists);
    await make(ctx, { name: "third" });
    const renames = await Promise.allSettled(
      ["other", "third"].map((connection) => changeConnection(ctx, { connection, change: { name: "new" } })),
    );
    expect(renames.map((end) => end.status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(renames.find((end) => end.status === "rejected")?.reason).toMatchObject(exists);
  });

  it("change in what was said and in nothing else", async () => {
    const { ctx, bank } = await begin();
    const made = await make(ctx, { ...withPassword, projects: ["shop"], region: "eu" });
    const changed = await changeConnection(ctx, {
      connection: made.id,
      change: { namespace: "team", projects: ["bank"] },
    });
    expect(changed).toEqual({
      ...made,
      namespace: "team",
      projects: [{ id: bank.id, key: "bank" }],
      updatedAt: changed.updatedAt,
    });
    expect(await getConnection(ctx, made.id)).toEqual(changed);
  });

  it("become anonymous when the user is taken away, and not by halves", async () => {
    const { db, ctx } = await begin();
    const made = await make(ctx, withPassword);
    const half = changeConnection(ctx, { connection: made.id, change: { password: null } });
    await expect(half).rejects.toMatchObject(invalid(/^username and password: /));
    const changed = await changeConnection(ctx, { connection: made.id, change: { username: null } });
    expect(changed).toMatchObject({ username: null, hasPassword: false });
    expect(await findSecret(db, made.id)).toEqual({ sealedPassword: null, sealedWebhookSecret: null });
  });

  it("never send a stored password to another host or in the open unless it is given again", async () => {
    const { db, ctx } = await begin();
    const made = await make(ctx, withPassword);
    await setTokenHosts(db, { ...made, tokenHosts: ["auth.example.com"] });
    const elsewhere = { host: "evil.example.com" };
    for (const change of [elsewhere, { plainHttp: true }])
      await expect(changeConnection(ctx, { connection: made.id, change })).rejects.toMatchObject(
        invalid(/^password: give it again/),
      );
    const moved = await changeConnection(ctx, {
      connection: made.id,
      change: { ...elsewhere, ...withPassword },
    });
    expect(moved).toMatchObject({ host: "evil.example.com", tokenHosts: [] });
  });

  it("have one default at most; the one before is changed, with an event", async () => {
    const { db, ctx } = await begin();
    await make(ctx, { isDefault: true });
    await make(ctx, { name: "second", isDefault: true });
    await make(ctx, { name: "third" });
    await changeConnection(ctx, { connection: "third", change: { isDefault: true } });
    const { items } = await listConnections(ctx, page);
    expect(items.map((item) => [item.name, item.isDefault])).toEqual([
      ["third", true],
      ["second", false],
      ["main", false],
    ]);
    const changes = (await recordedEvents(db)).filter((event) => event.kind === "connection.changed");
    expect(changes).toHaveLength(3);
  });

  it("are known only to projects that they are shared with, which do not learn of the others", async () => {
    const { ctx, shop, bank } = await begin();
    const both = await make(ctx, { name: "both", projects: ["shop", "bank"] });
    const open = await make(ctx, { name: "open", allProjects: true });
    await make(ctx, { name: "own", projects: ["bank"] });
    await make(ctx, { name: "unshared" });
    const viewer = asRole(ctx, shop.id, "viewer");
    const { items } = await listConnections(viewer, page);
    expect(items).toEqual([open, { ...both, projects: [{ id: shop.id, key: "shop" }] }]);
    expect(JSON.stringify(items)).not.toContain(bank.id);
    expect(await getConnection(viewer, "both")).toEqual(items[1]);
    for (const name of ["own", "unshared", "nothing"])
      await expect(getConnection(viewer, name)).rejects.toMatchObject({ code: "CONNECTION_NOT_FOUND" });
    expect((await listConnections(as(ctx, NOBODY), page)).items).toEqual([]);
    await expect(getConnection(as(ctx, NOBODY), "open")).rejects.toMatchObject({
      code: "CONNECTION_NOT_FOUND",
    });
    expect((await listConnections(ctx, page)).items).toHaveLength(4);
  });

  it("stay while a release reads or writes through them", async () => {
    const { db, ctx, shop } = await begin();
    const source = await make(ctx, { name: "source", allProjects: true });
    const target = await make(ctx, { name: "target", allProjects: true });
    const contentId = await insertRelease(db, shop.id, source.id, target.id);
    for (const name of ["source", "target"])
      await expect(deleteConnection(ctx, name)).rejects.toMatchObject({
        code: "CONNECTION_IN_USE",
        message: `1 release(s) read or write through ${name}: delete them first`,
      });
    await db.updateTable("release_contents").set({ deleted_at: 2 }).where("id", "=", contentId).execute();
    await deleteConnection(ctx, "source");
    await deleteConnection(ctx, "target");
    expect((await listConnections(ctx, page)).items).toEqual([]);
    await expect(deleteConnection(ctx, "source")).rejects.toMatchObject({ code: "CONNECTION_NOT_FOUND" });
  });

  it("stay while a project reads its repository or starts workflows through them, and say which", async () => {
    const { ctx } = await begin();
    for (const name of ["code", "hub"])
      await make(ctx, { name, kind: name === "code" ? "git" : "github", allProjects: true });
    await changeProject(ctx, { key: "shop", source: "code" });
    await createWorkflow(ctx, {
      projectKey: "bank",
      draft: { name: "deploy", provider: "github", target: "deploy.yml", connection: "hub" },
    });
    const refused = (name: string, project: string) =>
      expect(deleteConnection(ctx, name)).rejects.toMatchObject({
        code: "CONNECTION_IN_USE",
        message: expect.stringContaining(`of ${project}: change them first`) as string,
      });
    await refused("code", "shop");
    await refused("hub", "bank");
    await changeProject(ctx, { key: "shop", source: null });
    await changeWorkflow(ctx, { projectKey: "bank", name: "deploy", change: { connection: null } });
    await deleteConnection(ctx, "code");
    await deleteConnection(ctx, "hub");
    expect((await listConnections(ctx, page)).items).toEqual([]);
  });

  it("serve an image by host and by the longest namespace that holds it", async () => {
    const { db, ctx, shop, bank } = await begin();
    const host = "registry.example.com";
    await make(ctx, { name: "all", allProjects: true });
    await make(ctx, { name: "team", namespace: "team", projects: ["shop"] });
    await make(ctx, { name: "apps", namespace: "team/apps", projects: ["shop"] });
    await make(ctx, { name: "hidden", namespace: "team/apps/web", projects: ["bank"] });
    await make(ctx, { name: "own", projects: ["shop"], username: "robot", password: PASSWORD });
    await make(ctx, { name: "port", host: `${host}:5000`, allProjects: true });
    const finders = { shop: connectionFinder(db, shop), bank: connectionFinder(db, bank) };
    const found = async (project: keyof typeof finders, repository: string, at = host) =>
      (await finders[project]({ host: at, repository }))?.name ?? null;
    expect(await found("shop", "team/apps/web/front")).toBe("apps");
    expect(await found("bank", "team/apps/web/front")).toBe("hidden");
    expect(await found("shop", "team/appstore")).toBe("team");
    expect(await found("shop", "teams/x")).toBe("own");
    expect(await found("bank", "teams/x")).toBe("all");
    expect(await found("shop", "x", `${host}:5000`)).toBe("port");
    expect(await found("shop", "x", "elsewhere.example.com")).toBeNull();
  });

  it("lead to the registry inside with a new token at each start, each project to its own part", async () => {
    const { db, ctx, shop, bank } = await begin();
    const address = { host: "127.0.0.1:7420", plainHttp: true, allowPrivate: true };
    const first = await ensureBuiltInConnection(ctx, address);
    expect(first).toMatchObject({ name: "built-in", builtIn: true, allProjects: true, ...address });
    const before = await findSecret(db, first.id);
    const second = await ensureBuiltInConnection(ctx, { ...address, host: "127.0.0.1:8000" });
    expect(second).toEqual({ ...first, host: "127.0.0.1:8000", updatedAt: second.updatedAt });
    expect(await getConnection(ctx, "built-in")).toEqual(second);
    const after = await findSecret(db, first.id);
    expect(ctx.secrets.open(after.sealedPassword ?? "", first.id)).toMatch(/^hg_/);
    expect(after).not.toEqual(before);
    const reach = async (project: typeof shop, repository: string) =>
      (await connectionFinder(db, project)({ host: "127.0.0.1:8000", repository }))?.name ?? null;
    expect(await reach(shop, "shop/web")).toBe("built-in");
    expect(await reach(bank, "shop/web")).toBeNull();
  });

  it("to the registry inside are changed and deleted by nobody", async () => {
    const { ctx } = await begin();
    await ensureBuiltInConnection(ctx, { host: "127.0.0.1:7420", plainHttp: true, allowPrivate: true });
    const refused = { code: "CONNECTION_BUILT_IN" };
    const change = changeConnection(ctx, { connection: "built-in", change: { region: "x" } });
    await expect(change).rejects.toMatchObject(refused);
    await expect(deleteConnection(ctx, "built-in")).rejects.toMatchObject(refused);
  });
});
