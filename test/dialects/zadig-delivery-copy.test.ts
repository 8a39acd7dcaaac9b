import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { pushTestImage, type TestImage } from "../support/images.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { skopeoManifest } from "../support/skopeo.ts";
import { connect, create, makeProject, plainBody, RELEASES, settled } from "../support/zadig-project.ts";

/** Versions whose images really move, between real registries. Numbers are those of the notes' acceptance facts. */
eachEngine((engine) => {
  let server: TestServer;
  let source: TestRegistry;
  let target: TestRegistry;
  let targetId: string;
  const images = new Map<string, TestImage>();

  beforeAll(async () => {
    [server, source, target] = await Promise.all([
      engine.place().then((place) => startTestServer(place)),
      startRegistry({ auth: "open" }),
      startRegistry({ auth: "htpasswd" }),
    ]);
    await makeProject(server, "shop");
    await makeProject(server, "bank");
    await connect(server, source, { name: "source", projects: ["shop"] });
    targetId = await connect(server, target, { name: "target", projects: ["shop"], namespace: "prod" });
    for (const [name, format] of [
      ["api", "docker"],
      ["web", "oci"],
      ["job", "oci"],
    ] as const)
      images.set(name, await pushTestImage(source.host, `team/${name}`, "1", { seed: name, format }));
    const platforms = ["linux/amd64", "linux/arm64"];
    images.set("multi", await pushTestImage(source.host, "team/multi", "1", { seed: "multi", platforms }));
  });
  afterAll(() => Promise.all([server.stop(), source.stop(), target.stop()]));

  const image = (name: string, changes: Readonly<Record<string, unknown>> = {}) => ({
    container_name: name,
    image_name: name,
    source_image: `${source.host}/team/${name}:1`,
    source_image_tag: "1",
    target_image: `${target.host}/prod/${name}:2`,
    target_image_tag: "2",
    push_image: true,
    ...changes,
  });
  const body = (version_name: string, services: unknown, changes = {}) =>
    plainBody({ version_name, image_registry_id: targetId, services, ...changes });
  const service = (name: string, ...own: unknown[]) => ({ service_name: name, images: own });
  const refusal = async (answer: Promise<{ status: number; json: unknown }>) => {
    const { status, json } = await answer;
    return [status, valueAt(json, "code"), valueAt(json, "description")];
  };
  const digestOf = (name: string): string => images.get(name)?.top.digest ?? "";

  describe("copying (19, 27, 43-46, 59-61)", () => {
    test("images arrive with the digests they have, whole indexes too, and the version says so in every form", async () => {
      const services = [service("api", image("api")), service("rest", image("web"), image("multi"))];
      const created = await create(server, body("copied", services));
      expect(created.status).toBe(200);
      const detail = await settled(server, "copied");
      expect(detail).toMatchObject({
        status: "success",
        error: "",
        version_info: { progress: { success_count: 3, total_count: 3, upload_status: "success", error: "" } },
        distribute_infos: [],
        services: [{ images: [{ status: "passed", error: "", image_path: null }] }, {}],
      });
      expect(valueAt(detail, "deploy_infos", 0)).toMatchObject({
        service_name: "api",
        service_module: "api",
        image: `${target.host}/prod/api:2`,
        image_name: "api",
        registry_id: targetId,
      });
      for (const name of ["api", "web", "multi"]) {
        const there = await skopeoManifest(target, `prod/${name}`, ":2");
        expect(there).toEqual(Buffer.from(images.get(name)?.top.bytes ?? []));
      }
    });

    test("the same again moves nothing: the target has it all", async () => {
      const before = target.requests.length;
      await create(server, body("again", [service("api", image("api"))]));
      expect(await settled(server, "again")).toMatchObject({ status: "success" });
      const writes = target.requests.slice(before).filter((line) => /^(POST|PUT|PATCH)/.test(line));
      expect(writes).toEqual([]);
    });

    test("one image that cannot be pinned fails alone; retry copies only that one", async () => {
      const services = [
        service("api", image("api", { target_image: "", target_image_tag: "r1" })),
        service("late", image("late", { target_image_tag: "r1", target_image: "" })),
        service("web", image("web", { target_image: "", target_image_tag: "r1" })),
      ];
      await create(server, body("partial", services));
      const failed = await settled(server, "partial");
      expect(failed).toMatchObject({
        status: "failed",
        services: [
          { images: [{ status: "passed", error: "" }] },
          { images: [{ status: "failed" }] },
          { images: [{ status: "passed", error: "" }] },
        ],
        version_info: { progress: { success_count: 2, total_count: 3, upload_status: "failed" } },
      });
      expect(valueAt(failed, "services", 1, "images", 0, "error")).toContain("MANIFEST_UNKNOWN");
      expect(valueAt(failed, "error")).toContain("1 of 3 images failed; late/late: ");
      const late = await pushTestImage(source.host, "team/late", "1", { seed: "late" });
      const id = String(valueAt(failed, "id"));
      const before = target.requests.length;
      const retried = await server.send("POST", `${RELEASES}/retry`, { body: { id, projectKey: "shop" } });
      expect([retried.status, retried.json]).toEqual([200, { message: "success" }]);
      expect(await settled(server, "partial")).toMatchObject({
        status: "success",
        error: "",
        services: [{}, { images: [{ status: "passed", error: "" }] }, {}],
      });
      const touched = target.requests.slice(before).filter((line) => !line.includes("/v2/prod/late/"));
      expect(touched).toEqual([]);
      expect(await skopeoManifest(target, "prod/late", ":r1")).toEqual(Buffer.from(late.top.bytes));
    });

    test("a pin never moves: a tag that moves between failure and retry changes nothing", async () => {
      await pushTestImage(source.host, "team/moving", "1", { seed: "first" });
      const services = [service("m", image("moving"), image("absent"))];
      await create(server, body("moving", services));
      const failed = await settled(server, "moving");
      expect(failed).toMatchObject({ status: "failed" });
      const first = await skopeoManifest(target, "prod/moving", ":2");
      await pushTestImage(source.host, "team/moving", "1", { seed: "second" });
      await pushTestImage(source.host, "team/absent", "1", { seed: "absent" });
      await server.send("POST", `${RELEASES}/retry?id=${String(valueAt(failed, "id"))}&projectKey=shop`);
      expect(await settled(server, "moving")).toMatchObject({ status: "success" });
      expect(await skopeoManifest(target, "prod/moving", ":2")).toEqual(first);
    });
  });

  describe("references (24-26, and the issue's own rules)", () => {
    test.each([
      ["an unknown registry", () => ({ image_registry_id: "0".repeat(24) }), "can not find target registry"],
      ["no registry to push to", () => ({ image_registry_id: "" }), "target registry not appointed"],
    ])("%s is refused", async (_, changes, description) => {
      const asked = body("refs", [service("api", image("api"))], changes());
      expect(await refusal(create(server, asked))).toEqual([400, 6560, expect.stringContaining(description)]);
    });

    test("a registry that is not shared with the project is refused by name", async () => {
      const asked = body("refs", [service("api", image("api"))], { project_key: "bank" });
      expect(await refusal(create(server, asked))).toEqual([
        400,
        6560,
        `registry ${target.host}/prod not support project bank`,
      ]);
    });

    test.each([
      [{ source_image: "elsewhere.example.com/a/b:1" }, "can't find source registry for image"],
      [{ source_image_tag: "9" }, "has the tag 1, but source_image_tag says 9"],
      [{ target_image_tag: "9" }, "has the tag 2, but target_image_tag says 9"],
      [{ target_image: "other.example.com/prod/api:2" }, "is not inside the registry"],
      [{ source_image: "" }, "source_image of image api of service api is empty"],
      [{ source_image: "not a reference" }, "is not an image reference"],
      [{ source_image: "host.example.com/../etc:1" }, "is not an image reference"],
    ])("an image with %j is refused, and nothing is written", async (changes, description) => {
      const asked = body("refs", [service("api", image("api", changes))]);
      expect(await refusal(create(server, asked))).toEqual([400, 6560, expect.stringContaining(description)]);
      expect((await server.send("GET", `${RELEASES}/detail?projectKey=shop&versionName=refs`)).status).toBe(
        404,
      );
    });

    test("a target outside the connection's namespace is refused", async () => {
      const asked = body("refs", [
        service("api", image("api", { target_image: `${target.host}/elsewhere/api:2` })),
      ]);
      expect(await refusal(create(server, asked))).toEqual([
        400,
        6560,
        expect.stringContaining("is not inside"),
      ]);
    });

    test("two images that would overwrite each other at the target are refused", async () => {
      const clash = { target_image: `${target.host}/prod/same:2` };
      const asked = body("refs", [service("a", image("api", clash)), service("b", image("web", clash))]);
      expect(await refusal(create(server, asked))).toEqual([
        400,
        6560,
        expect.stringContaining("would both be pushed"),
      ]);
    });

    test("an empty target is the registry, its namespace, the last part of the source, and the tag", async () => {
      const tag = "t-<SERVICE>-<MODULE>";
      await create(
        server,
        body("defaults", [service("svc", image("api", { target_image: "", target_image_tag: tag }))]),
      );
      expect(await settled(server, "defaults")).toMatchObject({
        status: "success",
        services: [
          { images: [{ target_image: `${target.host}/prod/api:t-svc-api`, target_image_tag: "t-svc-api" }] },
        ],
      });
    });
  });

  describe("nothing to push (20)", () => {
    test("is a success at once; what a connection reaches is pinned, what none reaches says why", async () => {
      const resting = { push_image: false, target_image: "", target_image_tag: "" };
      const elsewhere = { ...resting, source_image: "elsewhere.example.com/a/b:1" };
      const services = [service("s", image("api", resting), image("other", elsewhere))];
      await create(server, body("resting", services, { image_registry_id: "" }));
      const detail = await settled(server, "resting");
      expect(detail).toMatchObject({
        status: "success",
        services: [{ images: [{ status: "" }, { status: "" }] }],
        version_info: { progress: { success_count: 0, total_count: 0 } },
      });
      const own = await server.send("GET", `/v1/releases/${String(valueAt(detail, "id"))}`);
      expect(own.text).toContain(digestOf("api"));
      expect(own.text).toContain(
        "no registry connection of this project reaches elsewhere.example.com/a/b:1",
      );
    });
  });

  describe("YAML (38-40)", () => {
    const yaml = (name: string) =>
      `# kept\napiVersion: apps/v1\nkind: Deployment\nmetadata: {name: web}\nspec:\n  template:\n    spec:\n` +
      `      initContainers:\n      - name: job\n        image: '${source.host}/team/job:1' # init\n` +
      `      containers:\n      - name: web\n        image: ${source.host}/team/${name}:1\n---\n` +
      `kind: Service\nmetadata: {name: web}\n---\nkind: Thing\nspec:\n  image: ${source.host}/team/web:10\n`;

    test("a version made from supplied parts shows target references; /v1 shows pinned ones; all else stays", async () => {
      const services = [{ ...service("web", image("web"), image("job")), yaml_content: yaml("web") }];
      await create(server, body("yaml", services, { source: "from_version" }));
      const detail = await settled(server, "yaml");
      const wire = yaml("web")
        .replace(`'${source.host}/team/job:1'`, `'${target.host}/prod/job:2'`)
        .replace(`${source.host}/team/web:1\n`, `${target.host}/prod/web:2\n`);
      expect(valueAt(detail, "services", 0, "yaml_content")).toBe(wire);
      const own = await server.send("GET", `/v1/releases/${String(valueAt(detail, "id"))}`);
      expect(own.text).toContain(`${target.host}/prod/web:2@${digestOf("web")}`);
      expect(own.text).toContain(`${target.host}/prod/job:2@${digestOf("job")}`);
    });

    test("a manual version keeps what was received, and is rendered with pins for /v1", async () => {
      const services = [{ ...service("web", image("web"), image("job")), yaml_content: yaml("web") }];
      await create(server, body("manual-yaml", services));
      const detail = await settled(server, "manual-yaml");
      expect(valueAt(detail, "services", 0, "yaml_content")).toBe(yaml("web"));
      const own = await server.send("GET", `/v1/releases/${String(valueAt(detail, "id"))}`);
      expect(own.text).toContain(`${target.host}/prod/web:2@${digestOf("web")}`);
    });
  });

  describe("from another version", () => {
    beforeAll(async () => {
      await pushTestImage(source.host, "team/base", "1", { seed: "base-first" });
      await create(server, body("base", [service("s", image("base"))]));
      await settled(server, "base");
      await pushTestImage(source.host, "team/base", "1", { seed: "base-moved" });
    });
    const promote = (
      changes: Readonly<Record<string, unknown>>,
      own: Readonly<Record<string, unknown>> = {},
    ) =>
      body(
        "unused",
        [service("s", { container_name: "base", push_image: true, target_image_tag: "stable", ...own })],
        {
          source: "from_version",
          original_version_name: "base",
          ...changes,
        },
      );

    test("the pin is taken from its verified target and moves inside that registry; the tag is not read again", async () => {
      const first = await skopeoManifest(target, "prod/base", ":2");
      const before = source.requests.length;
      await create(server, promote({ version_name: "promoted" }));
      expect(await settled(server, "promoted")).toMatchObject({ status: "success" });
      expect(await skopeoManifest(target, "prod/base", ":stable")).toEqual(first);
      expect(source.requests.slice(before)).toEqual([]);
    });

    test("with nothing named, all of the original is taken", async () => {
      await create(server, promote({ version_name: "whole", services: [] }));
      expect(await settled(server, "whole")).toMatchObject({
        status: "success",
        services: [{ service_name: "s", images: [{ container_name: "base", status: "passed" }] }],
      });
    });

    test.each([
      [{ original_version_name: "none" }, {}, "The original version none does not exist"],
      [{}, { source_image: "other.example.com/a:1" }, "contradicts the original"],
      [{}, { source_image_tag: "9" }, "contradicts the original"],
      [{}, { container_name: "unknown" }, "container not found, serviceName: s"],
    ])("%j with an image %j is refused", async (changes, own, description) => {
      const asked = promote({ version_name: "refused", ...changes }, own);
      expect(await refusal(create(server, asked))).toEqual([400, 6560, expect.stringContaining(description)]);
    });

    test("another project's version is not an original", async () => {
      await create(server, plainBody({ project_key: "bank", version_name: "theirs" }));
      const asked = promote({ version_name: "refused", original_version_name: "theirs" });
      expect(await refusal(create(server, asked))).toEqual([
        400,
        6560,
        expect.stringContaining("does not exist"),
      ]);
    });
  });

  test("deleting leaves the images where they are (55)", async () => {
    await create(
      server,
      body("deleted", [service("api", image("api", { target_image: "", target_image_tag: "del" }))]),
    );
    const id = String(valueAt(await settled(server, "deleted"), "id"));
    await server.send("DELETE", `${RELEASES}/${id}?projectKey=shop`);
    expect((await skopeoManifest(target, "prod/api", ":del")).length).toBeGreaterThan(0);
  });

  test("the registry list has what Zadig's pickers need, and no secret", async () => {
    const { json, text } = await server.send("GET", "/openapi/system/registry");
    expect(json).toEqual(
      expect.arrayContaining([
        {
          registry_id: targetId,
          address: `http://${target.host}`,
          provider: "native",
          region: "",
          namespace: "prod",
          is_default: false,
        },
      ]),
    );
    expect(text).not.toContain(target.password);
  });
});
