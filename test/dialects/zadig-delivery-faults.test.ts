import { setTimeout as pause } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { buildTestImage, pushBuiltImage, pushTestImage, type TestImage } from "../support/images.ts";
import { refusal, type RegistryProxy, startRegistryProxy } from "../support/registry-proxy.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { skopeoManifest } from "../support/skopeo.ts";
import { connect, create, makeProject, plainBody, RELEASES, settled } from "../support/zadig-project.ts";

/** Copies between registries that fail in one place: that image fails with the registry's words, the others go on. */
eachEngine((engine) => {
  let server: TestServer;
  let registries: TestRegistry[];
  let source: RegistryProxy;
  let target: RegistryProxy;
  let targetId: string;
  beforeAll(async () => {
    const [started, ...real] = await Promise.all([
      engine.place().then((place) => startTestServer(place)),
      startRegistry({ auth: "open" }),
      startRegistry({ auth: "open" }),
    ]);
    server = started;
    registries = real;
    [source, target] = await Promise.all([startRegistryProxy(real[0]), startRegistryProxy(real[1])]);
    await makeProject(server, "shop");
    await connect(server, source, { name: "source", projects: ["shop"] });
    targetId = await connect(server, target, { name: "target", projects: ["shop"], namespace: "prod" });
  });
  afterEach(() => {
    source.heal();
    target.heal();
  });
  afterAll(() => Promise.all([server, source, target, ...registries].map((one) => one.stop())));

  const image = (name: string, changes: Readonly<Record<string, unknown>> = {}) => ({
    container_name: name,
    source_image: `${source.host}/team/${name}:1`,
    push_image: true,
    ...changes,
  });
  const toRepository = (repository: string) => ({ target_image: `${target.host}/prod/${repository}:1` });
  /** Images of a version's own, so that nothing of them is at the target yet: `team/<version>/<name>`. */
  const push = (version: string, name: string): Promise<TestImage> =>
    pushTestImage(source.host, `team/${version}/${name}`, "1", { seed: `${version} ${name}` });
  const start = async (version: string, ...names: readonly string[]) => {
    for (const name of names) await push(version, name);
    return startWith(
      version,
      names.map((name) => imageOf(version, name)),
    );
  };
  const imageOf = (version: string, name: string) =>
    image(`${version}/${name}`, { container_name: name, ...toRepository(`${version}/${name}`) });
  const startWith = async (version: string, own: readonly unknown[]) => {
    const services = [{ service_name: "s", images: own }];
    const answer = await create(
      server,
      plainBody({ version_name: version, image_registry_id: targetId, services }),
    );
    expect([answer.status, answer.text]).toEqual([200, '{"message":"success"}']);
    return String(answer.headers.get("x-release-id"));
  };
  /** One image to two repositories: what the second lacks would be mounted from the first. */
  const startTwice = async (version: string) => {
    await push(version, "api");
    const both = ["one", "two"].map((name) =>
      image(`${version}/api`, { container_name: name, ...toRepository(`${version}/${name}`) }),
    );
    return startWith(version, both);
  };
  const retry = (id: string) =>
    server.send("POST", `${RELEASES}/retry`, { body: { id, projectKey: "shop" } });
  const imagesOf = (detail: unknown) => valueAt(detail, "services", 0, "images") as { status: string }[];
  const statuses = (detail: unknown) => imagesOf(detail).map(({ status }) => status);
  const errorOf = (detail: unknown, at: number) =>
    String(valueAt(detail, "services", 0, "images", at, "error"));
  const distributionOf = async (id: string) =>
    valueAt((await server.send("GET", `/v1/releases/${id}`)).json, "distribution") as {
      readonly verifiedBytes: number;
      readonly totalBytes: number;
    };
  /** What the task last said to be on its way; the API shows it while the task runs. */
  const movingBytesOf = async (id: string) => {
    const row = () =>
      server.ctx.db
        .selectFrom("tasks")
        .innerJoin("distributions", "distributions.task_id", "tasks.id")
        .select(["tasks.progress_json", "tasks.state"])
        .where("distributions.content_id", "=", id)
        .executeTakeFirstOrThrow();
    await until(async () => (await row()).state === "done");
    return valueAt(JSON.parse((await row()).progress_json ?? "null"), "movingBytes");
  };
  const expectAllVerified = async (id: string) => {
    const { verifiedBytes, totalBytes } = await distributionOf(id);
    expect(verifiedBytes).toBe(totalBytes);
    expect(totalBytes).toBeGreaterThan(0);
  };
  const until = async (condition: () => boolean | Promise<boolean>): Promise<void> => {
    while (!(await condition())) await pause(10);
  };
  const open = () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    return { until: promise, release: () => resolve() };
  };

  describe("a source that fails", () => {
    test("a failure that passes is not noticed", async () => {
      source.disturb(/^GET .*\/web\/manifests/, { status: 503 }, 2);
      source.disturb(/^GET .*\/web\/blobs/, { status: 500 }, 2);
      const id = await start("passing", "api", "web");
      expect(await settled(server, "passing")).toMatchObject({ status: "success", error: "" });
      await expectAllVerified(id);
    });

    test("an image that cannot be pinned for a server's failure says so, and is pinned by a retry", async () => {
      source.disturb(/^GET .*\/web\/manifests/, refusal(503, "UNAVAILABLE", "backend is away"));
      const id = await start("unpinned", "api", "web", "job");
      const failed = await settled(server, "unpinned");
      expect(statuses(failed)).toEqual(["passed", "failed", "passed"]);
      expect(errorOf(failed, 1)).toContain("UNAVAILABLE: backend is away");
      await expectAllVerified(id);
      source.heal();
      expect((await retry(id)).status).toBe(200);
      expect(await settled(server, "unpinned")).toMatchObject({ status: "success", error: "" });
      await expectAllVerified(id);
    });

    test("a layer that is missing fails the image that has it alone, and what follows is not copied in vain", async () => {
      const own = (await push("missing", "web")).blobs.at(-1)?.digest ?? "";
      const gone = refusal(404, "BLOB_UNKNOWN", "blob unknown to registry");
      source.disturb(new RegExp(`^GET .*/web/blobs/${own}`), gone);
      const id = await start("missing", "api", "web", "job");
      const failed = await settled(server, "missing");
      expect(statuses(failed)).toEqual(["passed", "failed", "passed"]);
      expect(errorOf(failed, 1)).toContain("BLOB_UNKNOWN: blob unknown to registry");
      expect(valueAt(failed, "error")).toContain("1 of 3 images failed; s/web: ");
      source.heal();
      const before = source.asked.length;
      expect((await retry(id)).status).toBe(200);
      expect(await settled(server, "missing")).toMatchObject({ status: "success" });
      const read = source.asked.slice(before).filter((line) => line.includes("/blobs/"));
      expect(read.every((line) => line.includes("/missing/web/"))).toBe(true);
      await expectAllVerified(id);
    });

    test("a layer that one image describes wrongly does not keep the other from it", async () => {
      const shared = [{ seed: "in both", sizeBytes: 30_000 }];
      const wrong = buildTestImage({ seed: "wrong", layers: shared });
      const manifest = JSON.parse(wrong.top.bytes.toString()) as { layers: { size: number }[] };
      for (const layer of manifest.layers) layer.size += 1;
      // The registry takes it: it does not compare sizes.
      const top = { ...wrong.top, bytes: Buffer.from(JSON.stringify(manifest)) };
      await pushBuiltImage(source.host, "team/sizes/wrong", "1", { ...wrong, top, manifests: [] });
      await pushTestImage(source.host, "team/sizes/right", "1", { seed: "right", layers: shared });
      await startWith("sizes", [imageOf("sizes", "wrong"), imageOf("sizes", "right")]);
      expect(imagesOf(await settled(server, "sizes")).at(1)).toMatchObject({ status: "passed", error: "" });
    });
  });

  describe("a target that fails", () => {
    test("a manifest that it refuses fails that image alone, in its own words", async () => {
      const denied = refusal(403, "DENIED", "quota of project prod is used up");
      target.disturb(/^PUT \/v2\/prod\/denied\/web\/manifests/, denied);
      const id = await start("denied", "api", "web", "job");
      const failed = await settled(server, "denied");
      expect(statuses(failed)).toEqual(["passed", "failed", "passed"]);
      expect(errorOf(failed, 1)).toContain("DENIED: quota of project prod is used up");
      target.heal();
      const [before, asked] = [source.asked.length, target.asked.length];
      expect((await retry(id)).status).toBe(200);
      expect(await settled(server, "denied")).toMatchObject({ status: "success", error: "" });
      expect(source.asked.slice(before).filter((line) => line.includes("/blobs/"))).toEqual([]);
      expect(target.asked.slice(asked).filter((line) => !line.includes("/denied/web/"))).toEqual([]);
      expect((await skopeoManifest(target, "prod/denied/web", ":1")).length).toBeGreaterThan(0);
      await expectAllVerified(id);
    });

    test.each([
      ["does not know how to", refusal(404, "NAME_UNKNOWN", "no such repository")],
      ["fails", refusal(500, "UNKNOWN", "no luck")],
      ["may not", refusal(403, "DENIED", "not yours")],
    ])("a registry that %s mount gets the bytes", async (words, fault) => {
      target.disturb(/^POST .*[?&]mount=/, fault);
      const version = `mount-${words.replaceAll(" ", "-")}`;
      const id = await startTwice(version);
      expect(await settled(server, version)).toMatchObject({ status: "success" });
      await expectAllVerified(id);
      expect(await movingBytesOf(id)).toBe(0);
    });

    test("when a version has failed nothing of it is on its way any more", async () => {
      target.disturb(/^POST .*[?&]mount=/, refusal(404, "NAME_UNKNOWN", "no such repository"));
      const slow = open();
      const { blobs } = await push("inflight", "api");
      for (const [at, { digest }] of blobs.entries())
        target.disturb(
          new RegExp(`^PUT /v2/prod/inflight/two/blobs/.*${encodeURIComponent(digest)}`),
          at === 0 ? refusal(403, "DENIED", "not this one") : { until: slow.until },
        );
      const id = await startTwice("inflight");
      const refused = () => target.asked.some((line) => line.startsWith("PUT /v2/prod/inflight/two/blobs/"));
      await until(refused);
      await pause(300);
      const early = valueAt(
        (await server.send("GET", `${RELEASES}/detail?projectKey=shop&versionName=inflight`)).json,
        "status",
      );
      slow.release();
      const failed = await settled(server, "inflight");
      expect(early).toBe("creating");
      expect(statuses(failed)).toEqual(["passed", "failed"]);
      expect(errorOf(failed, 1)).toContain("DENIED: not this one");
      expect(target.writing()).toBe(0);
      expect(await movingBytesOf(id)).toBe(0);
    });
  });

  describe("pins", () => {
    test("images that name one tag get one pin, also when some are pinned by a retry after the tag has moved", async () => {
      await pushTestImage(source.host, "team/many", "1", { seed: "many" });
      // The first ones fail to be pinned, later ones of the same version do not.
      source.disturb(/^GET \/v2\/team\/many\/manifests\/1/, refusal(404, "MANIFEST_UNKNOWN", "not yet"), 1);
      const own = Array.from({ length: 20 }, (_, at) =>
        image("many", { container_name: `c${at}`, ...toRepository("many") }),
      );
      const id = await startWith("many", own);
      const failed = await settled(server, "many");
      expect(new Set(statuses(failed))).toEqual(new Set(["passed", "failed"]));
      await pushTestImage(source.host, "team/many", "1", { seed: "many moved" });
      expect((await retry(id)).status).toBe(200);
      expect(await settled(server, "many")).toMatchObject({ status: "success" });
      const { json } = await server.send("GET", `/v1/releases/${id}`);
      const pins = (valueAt(json, "items") as { pinnedDigest: string }[]).map((item) => item.pinnedDigest);
      expect(new Set(pins).size).toBe(1);
    });
  });

  describe("while it copies", () => {
    /** Begins a version whose one image is held at its first layer. */
    const held = async (version: string) => {
      const gate = open();
      source.disturb(/^GET .*\/web\/blobs/, { until: gate.until });
      const id = await start(version, "web");
      await until(() => source.asked.some((line) => line.startsWith(`GET /v2/team/${version}/web/blobs/`)));
      return { id, release: gate.release };
    };
    const liveTasks = async () => {
      const rows = await server.ctx.db
        .selectFrom("tasks")
        .select("state")
        .where("kind", "=", "copy-distribution")
        .where("state", "in", ["ready", "running", "waiting"])
        .execute();
      return rows.length;
    };

    test("deleting stops it: no task is left, nothing arrives, and the name is free", async () => {
      const { id, release } = await held("deleted");
      const answer = await server.send("DELETE", `${RELEASES}/${id}?projectKey=shop`);
      expect(answer.json).toEqual({ message: "success" });
      await until(async () => (await liveTasks()) === 0);
      const asked = target.asked.length;
      release();
      source.heal();
      await pause(200);
      expect(target.asked.slice(asked).filter((line) => line.startsWith("PUT"))).toEqual([]);
      expect((await server.send("GET", `${RELEASES}/${id}`)).status).toBe(404);
      const again = await start("deleted", "web");
      expect(again).not.toBe(id);
      expect(await settled(server, "deleted")).toMatchObject({ id: again, status: "success" });
    });

    test("a retry is refused, with the status that stands in the way", async () => {
      const { id, release } = await held("busy");
      const answer = await retry(id);
      expect([answer.status, valueAt(answer.json, "code")]).toEqual([400, 6560]);
      expect(valueAt(answer.json, "description")).toContain("status:creating");
      release();
      expect(await settled(server, "busy")).toMatchObject({ status: "success" });
    });

    test("a copy under way does not keep the server from stopping, and goes on after its start; what failed stays failed", async () => {
      const gone = refusal(404, "MANIFEST_UNKNOWN", "manifest unknown");
      const gate = open();
      source.disturb(/^GET .*\/web\/blobs/, { until: gate.until });
      target.disturb(/^PUT \/v2\/prod\/stopped\/api\/manifests/, refusal(403, "DENIED", "not now"));
      source.disturb(/^GET .*\/job\/manifests/, gone);
      const id = await start("stopped", "api", "web", "job");
      const detail = async () =>
        (await server.send("GET", `${RELEASES}/detail?projectKey=shop&versionName=stopped`)).json;
      await until(async () => statuses(await detail()).join() === "failed,running,failed");
      server = await server.restart();
      gate.release();
      source.heal();
      target.heal();
      const failed = await settled(server, "stopped");
      expect(imagesOf(failed)).toMatchObject([
        { status: "failed", error: expect.stringContaining("DENIED: not now") as string },
        { status: "passed", error: "" },
        { status: "failed", error: expect.stringContaining("MANIFEST_UNKNOWN") as string },
      ]);
      expect((await retry(id)).status).toBe(200);
      expect(await settled(server, "stopped")).toMatchObject({ status: "success" });
      await expectAllVerified(id);
    });
  });

  test("while it is retried a version says so, and its old error is gone (45)", async () => {
    source.disturb(/^GET .*\/web\/manifests/, refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"));
    const id = await start("again", "api", "web");
    expect(valueAt(await settled(server, "again"), "error")).toContain("MANIFEST_UNKNOWN");
    const gate = open();
    source.disturb(/^GET .*\/web\/manifests/, { until: gate.until });
    expect((await retry(id)).status).toBe(200);
    const detail = (await server.send("GET", `${RELEASES}/${id}`)).json;
    expect(detail).toMatchObject({
      status: "retrying",
      error: "",
      version_info: { status: "retrying", progress: { upload_status: "waiting", error: "" } },
    });
    expect(imagesOf(detail)).toMatchObject([{ status: "passed" }, { status: "prepare", error: "" }]);
    gate.release();
    expect(await settled(server, "again")).toMatchObject({ status: "success", error: "" });
  });

  test("of two retries at the same moment exactly one wins", async () => {
    source.disturb(/^GET .*\/web\/manifests/, refusal(404, "MANIFEST_UNKNOWN", "manifest unknown"));
    const id = await start("raced", "web");
    await settled(server, "raced");
    source.heal();
    const answers = await Promise.all(Array.from({ length: 4 }, () => retry(id)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(3);
    expect(await settled(server, "raced")).toMatchObject({ status: "success" });
    const own = await server.send("GET", `/v1/releases/${id}`);
    expect(valueAt(own.json, "distribution", "attempt")).toBe(2);
  });

  test("work that cannot go on at all fails the version in the end, and a retry takes it up", async () => {
    const { db } = server.ctx;
    const seal = (sealed_password: string | null) =>
      db
        .updateTable("connections")
        .set({ username: "robot", sealed_password })
        .where("name", "=", "source")
        .execute();
    const ownTask = () =>
      db
        .selectFrom("tasks")
        .selectAll()
        .where("kind", "=", "copy-distribution")
        .orderBy("id", "desc")
        .executeTakeFirstOrThrow();
    // Nothing of ours writes such a text: the run meets an error that nobody foresaw.
    await seal("not sealed by us");
    const id = await start("broken", "api");
    await until(async () => (await ownTask()).attempt > 1);
    await db
      .updateTable("tasks")
      .set({ attempt: 5, run_at: 0 })
      .where("id", "=", (await ownTask()).id)
      .execute();
    const failed = await settled(server, "broken");
    const words = "The copy could not go on, and can be retried: ";
    expect(valueAt(failed, "error")).toContain(words);
    expect(imagesOf(failed)).toMatchObject([
      { status: "failed", error: expect.stringContaining(words) as string },
    ]);
    await seal(null);
    expect((await retry(id)).status).toBe(200);
    expect(await settled(server, "broken")).toMatchObject({ status: "success", error: "" });
    await expectAllVerified(id);
  });

  test("a connection that is shared no more fails the images that need it, until it is shared again", async () => {
    const gate = open();
    source.disturb(/^GET .*\/api\/manifests/, { until: gate.until }, 1);
    const share = (projects: readonly string[]) =>
      server.send("PATCH", "/v1/connections/target", { body: { projects } });
    // The first pin is under way when the connection is taken away.
    const id = await start("unshared", "api");
    expect((await share([])).status).toBe(200);
    gate.release();
    const failed = await settled(server, "unshared");
    expect(statuses(failed)).toEqual(["failed"]);
    expect(errorOf(failed, 0)).toBe("The registry connection target is not shared with the project any more");
    expect((await share(["shop"])).status).toBe(200);
    expect((await retry(id)).status).toBe(200);
    expect(await settled(server, "unshared")).toMatchObject({ status: "success" });
  });
});
