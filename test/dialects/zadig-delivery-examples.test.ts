import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { eachEngine } from "../support/databases.ts";
import { pushTestImage } from "../support/images.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { type Answer, startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { connect, create, makeProject, plainBody, RELEASES, settled } from "../support/zadig-project.ts";

interface Example {
  readonly section: string;
  readonly request: string;
  readonly status: number;
  readonly reply: unknown;
}

const FOLDER = fileURLToPath(new URL("./examples/zadig-delivery/", import.meta.url));
const load = (name: string): Example => JSON.parse(readFileSync(`${FOLDER}${name}.json`, "utf8")) as Example;

/** What follows from who asks and when; everything else of an example must come back as it stands there. */
const OWN = new Set(["id", "create_time", "created_by", "registry_id", "image", "total"]);
const TAG = "20240419133934-5-main";

/** Where an answer is not like its example: the same shape everywhere, the same values but for those of `OWN`. */
function differences(actual: unknown, example: unknown, path: string): string[] {
  // The seed has null where it speaks of something that may be an object.
  if (example === null) return [];
  if (Array.isArray(example) && !Array.isArray(actual)) return [`${path} is no list`];
  if (typeof example !== "object")
    return actual === example ? [] : [`${path} is ${JSON.stringify(actual)}, not ${JSON.stringify(example)}`];
  if (typeof actual !== "object" || actual === null) return [`${path} is no object`];
  return Object.entries(example).flatMap(([key, one]) => {
    const place = `${path}.${key}`;
    if (!Object.hasOwn(actual, key)) return [`${place} is missing`];
    const value = valueAt(actual, key);
    if (!OWN.has(key)) return differences(value, one, place);
    return typeof value === typeof one ? [] : [`${place} is a ${typeof value}, not a ${typeof one}`];
  });
}

/** Every request and reply of the seed "Version Management" v3.4, asked of a server in the state they speak of. */
eachEngine((engine) => {
  let server: TestServer;
  let source: TestRegistry;
  let target: TestRegistry;
  const replayed = new Map<string, () => Promise<Answer>>();

  beforeAll(async () => {
    [server, source, target] = await Promise.all([
      engine.place().then((place) => startTestServer(place)),
      startRegistry({ auth: "open" }),
      startRegistry({ auth: "open" }),
    ]);
    await makeProject(server, "shop");
    await connect(server, source, { name: "source", projects: ["shop"] });
    const registry = await connect(server, target, { name: "target", projects: ["shop"], namespace: "test" });
    const services = ["service1", "service2"].map((name) => ({
      service_name: name,
      images: [
        { container_name: name, source_image: `${source.host}/test/${name}:${TAG}`, push_image: true },
      ],
    }));
    const description = "labore id amet";
    const version = (name: string, changes: object) =>
      plainBody({ version_name: name, desc: description, ...changes });

    await pushTestImage(source.host, "test/service1", TAG, { seed: "service1" });
    // The example's older version failed: an image of it is not there yet.
    await create(server, version("v12", { image_registry_id: registry, services }));
    await settled(server, "v12");
    await pushTestImage(source.host, "test/service2", TAG, { seed: "service2" });
    await create(server, version("v13", { image_registry_id: registry, services, labels: [] }));
    await settled(server, "v13");
    const labels = ["cupidatat ullamco anim eiusmod"];
    const idOf = async (name: string) => String(valueAt(await settled(server, name), "id"));

    replayed.set("list", () => server.send("GET", `${RELEASES}?projectKey=shop&pageNum=1&pageSize=20`));
    replayed.set("detail-k8s", async () => {
      const id = await idOf("v13");
      await server.send("DELETE", `${RELEASES}/${id}?projectKey=shop`);
      await create(server, version("v13", { image_registry_id: registry, services, labels }));
      return server.send("GET", `${RELEASES}/${await idOf("v13")}`);
    });
    replayed.set("create-k8s", () =>
      create(server, version("v14", { image_registry_id: registry, services })),
    );
    replayed.set("retry", async () =>
      server.send("POST", `${RELEASES}/retry`, { body: { id: await idOf("v12"), projectKey: "shop" } }),
    );
    replayed.set("delete", async () =>
      server.send("DELETE", `${RELEASES}/${await idOf("v12")}?projectKey=shop`),
    );
  });
  afterAll(() => Promise.all([server.stop(), source.stop(), target.stop()]));

  test.each(["list", "detail-k8s", "create-k8s", "retry", "delete"])(
    "%s is answered as in the seed",
    async (name) => {
      const example = load(name);
      const answer = await replayed.get(name)?.();
      expect(answer?.status).toBe(example.status);
      // v12 came from an environment there; until clusters exist it is a manual one here.
      const reply = JSON.parse(JSON.stringify(example.reply).replaceAll('"from_env"', '"manual"')) as unknown;
      expect(differences(answer?.json, reply, name)).toEqual([]);
    },
  );

  test("every example is replayed, or listed as not served yet", () => {
    const files = readdirSync(FOLDER).map((file) => file.replace(".json", ""));
    const notYet = ["create-helm", "detail-helm"];
    expect(files.toSorted()).toEqual([...replayed.keys(), ...notYet].toSorted());
  });
});
