import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { pushTestImage, type TestImage } from "../support/images.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { skopeoManifest } from "../support/skopeo.ts";
import { connect, create, makeProject, plainBody, settled } from "../support/zadig-project.ts";

/** Versions made from other versions, and their YAML: what is pinned once stays what it is, door by door. */
eachEngine((engine) => {
  let server: TestServer;
  let source: TestRegistry;
  let target: TestRegistry;
  let web: TestImage;
  const registry = { stage: "", prod: "" };

  beforeAll(async () => {
    [server, source, target] = await Promise.all([
      engine.place().then((place) => startTestServer(place)),
      startRegistry({ auth: "open" }),
      startRegistry({ auth: "open" }),
    ]);
    await makeProject(server, "shop");
    await connect(server, source, { name: "source", projects: ["shop"] });
    registry.stage = await connect(server, target, { name: "stage", projects: ["shop"], namespace: "stage" });
    registry.prod = await connect(server, target, { name: "prod", projects: ["shop"], namespace: "prod" });
    web = await pushTestImage(source.host, "team/web", "1", { seed: "web" });
  });
  afterAll(() => Promise.all([server.stop(), source.stop(), target.stop()]));

  const at = (place: string) =>
    ({
      source: `${source.host}/team/web:1`,
      stage: `${target.host}/stage/web:1`,
      prod: `${target.host}/prod/web:1`,
    })[place];
  /** A workload, and a custom resource that only a whole value can tell. */
  const yaml = (image: string) =>
    `kind: Deployment\nspec: {template: {spec: {containers: [{name: web, image: ${image}}]}}}\n---\n` +
    `kind: Rollout\nspec: {image: ${image}}\n`;
  const pinned = (place: string) => yaml(`${at(place)}@${web.top.digest}`);
  const image = (changes: object = {}) => ({
    container_name: "web",
    source_image: at("source"),
    push_image: true,
    ...changes,
  });
  const body = (version_name: string, services: unknown, changes: object = {}) =>
    plainBody({ version_name, image_registry_id: registry.stage, services, ...changes });
  const service = (yaml_content: string, ...images: object[]) => [
    { service_name: "web", yaml_content, images },
  ];
  const made = async (version: string, services: unknown, changes: object = {}) => {
    const answer = await create(server, body(version, services, changes));
    expect([answer.status, answer.text]).toEqual([200, '{"message":"success"}']);
    const detail = await settled(server, version);
    expect(detail).toMatchObject({ status: "success", error: "" });
    const own = await server.send("GET", `/v1/releases/${String(valueAt(detail, "id"))}`);
    return {
      wire: valueAt(detail, "services", 0, "yaml_content"),
      rendered: valueAt(own.json, "services", 0, "renderedYaml"),
      image: valueAt(detail, "services", 0, "images", 0),
    };
  };
  const from = (original_version_name: string, changes: object = {}) => ({
    source: "from_version",
    original_version_name,
    image_registry_id: registry.prod,
    ...changes,
  });
  const refusal = async (version: string, services: unknown, changes: object = {}) => {
    const { status, json } = await create(server, body(version, services, changes));
    return [status, valueAt(json, "code"), valueAt(json, "description")];
  };

  describe("YAML", () => {
    test("is taken over from version to version, in workloads and in custom resources", async () => {
      const first = await made("y1", service(yaml(at("source") ?? ""), image()));
      expect(first).toMatchObject({ wire: yaml(at("source") ?? ""), rendered: pinned("stage") });
      const second = await made("y2", [], from("y1"));
      expect(second).toMatchObject({ wire: yaml(at("prod") ?? ""), rendered: pinned("prod") });
      const back = await made("y3", [], from("y2", { image_registry_id: registry.stage }));
      expect(back).toMatchObject({ wire: yaml(at("stage") ?? ""), rendered: pinned("stage") });
    });

    test.each(["source", "stage"])(
      "of the client's own may name what the original had at its %s",
      async (place) => {
        await made(`o-${place}`, service("", image()));
        const promoted = { container_name: "web", push_image: true };
        const second = await made(
          `o-${place}-next`,
          service(yaml(at(place) ?? ""), promoted),
          from(`o-${place}`),
        );
        expect(second).toMatchObject({ wire: yaml(at("prod") ?? ""), rendered: pinned("prod") });
      },
    );

    test("of a manual version may name targets already: they are pinned all the same", async () => {
      const manual = await made("targets", service(yaml(at("stage") ?? ""), image()));
      expect(manual).toMatchObject({ wire: yaml(at("stage") ?? ""), rendered: pinned("stage") });
    });
  });

  describe("the original", () => {
    test("may be repeated by its pin; what contradicts it is refused", async () => {
      await made("p1", service("", image()));
      const own = (changes: object) => service("", { container_name: "web", push_image: true, ...changes });
      const digest = web.top.digest;
      for (const place of ["source", "stage"])
        await made(`p1-${place}`, own({ source_image: `${at(place)}@${digest}` }), from("p1"));
      const other = `sha256:${"0".repeat(64)}`;
      expect(await refusal("p2", own({ source_image: `${at("source")}@${other}` }), from("p1"))).toEqual([
        400,
        6560,
        expect.stringContaining("contradicts the original"),
      ]);
      expect(await refusal("p2", own({ image_name: "api" }), from("p1"))).toEqual([
        400,
        6560,
        expect.stringContaining("image_name api contradicts the original"),
      ]);
    });

    test("that was not pushed is taken from where it lies", async () => {
      const resting = image({ push_image: false, target_image: "" });
      await made("rests", service("", resting), { image_registry_id: "" });
      const { image: moved } = await made("rests-next", [], from("rests"));
      expect(moved).toMatchObject({ status: "passed", target_image: at("prod"), source_image: at("source") });
    });

    test("that failed in part gives its pins, read from the source where no target has them", async () => {
      const gone = { container_name: "gone", source_image: `${source.host}/team/gone:1`, push_image: true };
      await create(server, body("partial", service("", image(), gone)));
      const failed = await settled(server, "partial");
      expect(failed).toMatchObject({ status: "failed" });
      expect(await refusal("partial-all", [], from("partial"))).toEqual([
        400,
        6560,
        "image gone of service web has no pinned digest in version partial",
      ]);
      const web = { container_name: "web", push_image: true, target_image_tag: "partial" };
      await made("partial-web", service("", web), from("partial"));
      expect((await skopeoManifest(target, "prod/web", ":partial")).length).toBeGreaterThan(0);
    });

    test("whose image nobody could pin is refused in words", async () => {
      const elsewhere = image({ push_image: false, source_image: "elsewhere.example.com/a/b:1" });
      await made("unreached", service("", elsewhere), { image_registry_id: "" });
      expect(await refusal("unreached-next", [], from("unreached"))).toEqual([
        400,
        6560,
        "image web of service web has no pinned digest in version unreached",
      ]);
    });
  });

  describe("references", () => {
    test("a target that names another digest than the source's is refused", async () => {
      const wrong = image({ target_image: `${at("stage")}@sha256:${"0".repeat(64)}` });
      expect(await refusal("digests", service("", wrong))).toEqual([
        400,
        6560,
        expect.stringContaining("names a digest"),
      ]);
    });

    test("two sources for one target are refused however they are written; one source in two forms is one", async () => {
      const written = (name: string, source_image: string, source_image_tag: string, tag: string) => ({
        ...image({ container_name: name, source_image, source_image_tag }),
        target_image: tag === "" ? at("stage") : `${target.host}/stage/web`,
        target_image_tag: tag,
      });
      const bare = `${source.host}/team/web`;
      await made("forms", service("", written("a", bare, "1", ""), written("b", `${bare}:1`, "", "1")));
      const clash = service("", written("a", bare, "1", ""), written("b", bare, "2", "1"));
      expect(await refusal("clash", clash)).toEqual([
        400,
        6560,
        expect.stringContaining("would both be pushed"),
      ]);
    });

    test("more than 1000 images in all are refused", async () => {
      const images = (count: number) =>
        Array.from({ length: count }, (_, at) => image({ container_name: `c${at}`, push_image: false }));
      const services = ["a", "b", "c"].map((name) => ({ service_name: name, images: images(334) }));
      expect(await refusal("many", services)).toEqual([
        400,
        6560,
        "the version has 1002 images, and may have 1000",
      ]);
    });
  });
});
