import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { type DeployScene, deployScene } from "../support/deploy-scene.ts";
import { pushTestImage } from "../support/images.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { type Answer, valueAt } from "../support/server.ts";
import { connect, create, plainBody, RELEASES, settled } from "../support/zadig-project.ts";

const TAKEN = { status: 409, json: { error: "Release candidate already exists" } };
const NO_VERSION = { status: 400, json: { error: "Invalid release candidate version" } };

eachEngine((engine) => {
  describe("one release, made as a version of Zadig's and as candidates", () => {
    let scene: DeployScene;
    let registry: TestRegistry;
    beforeAll(async () => {
      registry = await startRegistry({ auth: "open" });
      scene = await deployScene(engine);
      for (const name of ["prod", "back", "gone"]) await scene.addEnvironment("web", { name });
      await connect(scene.server, registry, { name: "source", projects: ["web"] });
      await connect(scene.server, registry, { name: "images", projects: ["web"], namespace: "out" });
      await pushTestImage(registry.host, "in/api", "1", { seed: "api" });
    });
    afterAll(async () => {
      await scene.stop();
      await registry.stop();
    });

    const image = (tag: string) => ({
      container_name: "api",
      source_image: `${registry.host}/in/api:${tag}`,
      target_image_tag: "out",
      push_image: true,
    });
    const version = (name: string, changes: object = {}): Promise<Answer> =>
      create(scene.server, plainBody({ project_key: "web", version_name: name, ...changes }));
    const withImage = (name: string, tag = "1"): Promise<Answer> =>
      version(name, {
        image_registry_id: "images",
        services: [{ service_name: "api", images: [image(tag)] }],
      });
    const detail = (name: string): Promise<Answer> =>
      scene.server.send("GET", `${RELEASES}/detail?projectKey=web&versionName=${name}`);
    const remove = async (name: string): Promise<void> => {
      const id = String(valueAt((await detail(name)).json, "id"));
      const answer = await scene.server.send("DELETE", `${RELEASES}/${id}?projectKey=web`);
      expect(answer.status).toBe(200);
    };
    const listed = async (): Promise<unknown[]> => {
      const { json } = await scene.server.send("GET", `${RELEASES}?projectKey=web&pageNum=1&pageSize=100`);
      return (valueAt(json, "list") as object[]).map((one) => valueAt(one, "version_name"));
    };

    test("a cut onto a version touches none of its images", async () => {
      await withImage("1.0.0");
      await settled(scene.server, "1.0.0", "web");
      const before = (await detail("1.0.0")).json;
      expect((await scene.cut("1.0.0-rc1")).status).toBe(201);
      expect((await detail("1.0.0")).json).toEqual(before);
      expect((await scene.deploy("prod", "1.0.0-rc1")).status).toBe(201);
      expect((await scene.list("prod")).json).toMatchObject([
        { release_candidate_version: "1.0.0-rc1", release_version: "1.0.0" },
      ]);
    });

    test("a version fills a release that so far has only candidates, and is listed from then on", async () => {
      await scene.cut("1.1.0-rc1");
      expect(await listed()).not.toContain("1.1.0");
      expect((await detail("1.1.0")).status).not.toBe(200);
      expect((await withImage("1.1.0")).status).toBe(200);
      await settled(scene.server, "1.1.0", "web");
      expect(await listed()).toContain("1.1.0");
      expect(await listed()).not.toContain("1.1.0-rc1");
      // A repeated cut still finds its candidate.
      expect((await scene.cut("1.1.0-rc1")).status).toBe(201);
      expect(await scene.cut("1.1.0-rc1", scene.commits[1])).toMatchObject(TAKEN);
    });

    test("a version and a candidate of one name exclude one another", async () => {
      await version("1.2.0-rc1");
      expect(await scene.cut("1.2.0-rc1")).toMatchObject(TAKEN);
      await scene.cut("1.2.0-rc2");
      const refused = await version("1.2.0-rc2");
      expect(refused).toMatchObject({ status: 400, json: { code: 6560 } });
      // Once the version is gone, its name is free for a candidate.
      await remove("1.2.0-rc1");
      expect((await scene.cut("1.2.0-rc1")).status).toBe(201);
    });

    test("asked for at once, one of the two is made", async () => {
      for (let round = 1; round <= 8; round += 1) {
        const name = `1.3.${round}-rc1`;
        const [cut, made] = await Promise.all([scene.cut(name), version(name)]);
        expect([cut.status, made.status]).toSatisfy(
          ([one, other]: number[]) => (one === 201 && other === 400) || (one === 409 && other === 200),
        );
      }
    });

    test("a candidate's release may itself be called like a candidate", async () => {
      await scene.cut("1.4.0-rc1-rc2");
      await scene.report("prod", "1.4.0-rc1-rc2", "success");
      expect((await scene.cut("1.4.0-rc1")).status).toBe(201);
    });

    test("a version is deployed under its own text once it is copied", async () => {
      await withImage("2.0.0");
      await settled(scene.server, "2.0.0", "web");
      expect((await scene.deploy("prod", "2.0.0")).status).toBe(201);
      const [newest] = (await scene.list("prod")).json as object[];
      expect(newest).toMatchObject({ release_candidate_version: "2.0.0", release_version: "2.0.0" });
      expect((await scene.report("prod", "2.0.0", "success")).status).toBe(200);
      await scene.cut("2.0.1-rc1");
      await scene.deploy("prod", "2.0.1-rc1");
      expect(((await scene.list("prod")).json as object[])[0]).toMatchObject({
        from_release_candidate_version: "2.0.0",
        from_release_version: "2.0.0",
      });
    });

    test("what is no version of either kind is a wrong candidate", async () => {
      for (const text of ["7.7.7", "web", "", "2.0.0-rc", " 2.0.0"]) {
        expect(await scene.deploy("prod", text)).toMatchObject(NO_VERSION);
        expect(await scene.report("prod", text, "success")).toMatchObject(NO_VERSION);
      }
      // Two doors lead to a release, but candidates come before its own text.
      expect(await scene.deploy("prod", "1.1.0")).toMatchObject(NO_VERSION);
    });

    test("a version whose copy failed is not ready", async () => {
      await withImage("2.1.0", "no-such-tag");
      await settled(scene.server, "2.1.0", "web");
      const refused = { status: 400, json: { error: "Release candidate is not ready" } };
      expect(await scene.deploy("prod", "2.1.0")).toMatchObject(refused);
      expect((await scene.report("prod", "2.1.0", "in_progress")).status).toBe(200);
    });

    test("deleting a version leaves candidates and deployments, and frees its name", async () => {
      await withImage("3.0.0");
      await settled(scene.server, "3.0.0", "web");
      await scene.report("back", "3.0.0", "success");
      await scene.cut("3.0.0-rc1");
      await scene.report("back", "3.0.0-rc1", "success");
      await remove("3.0.0");
      expect(await listed()).not.toContain("3.0.0");
      expect((await scene.list("back")).json).toMatchObject([
        { release_candidate_version: "3.0.0-rc1" },
        { release_candidate_version: "3.0.0" },
      ]);
      expect((await scene.deploy("prod", "3.0.0-rc1")).status).toBe(201);
      expect((await withImage("3.0.0")).status).toBe(200);
      await settled(scene.server, "3.0.0", "web");
    });

    test("what was deleted is not gone back to", async () => {
      await scene.cut("4.0.0-rc1");
      await scene.report("gone", "4.0.0-rc1", "success");
      await version("4.1.0");
      await settled(scene.server, "4.1.0", "web");
      await scene.report("gone", "4.1.0", "success");
      await scene.cut("4.2.0-rc1");
      await scene.report("gone", "4.2.0-rc1", "failure");
      await remove("4.1.0");
      // The same name again holds something else.
      await version("4.1.0");
      expect(await scene.rollBack("gone")).toMatchObject({
        status: 201,
        json: { release_candidate_version: "4.0.0-rc1", from_release_candidate_version: "4.2.0-rc1" },
      });
    });
  });
});
