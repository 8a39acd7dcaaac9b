import { request } from "undici";
import { expect } from "vitest";
import type { DatabaseOptions } from "../../src/storage/database.ts";
import { buildTestImage, pushBuiltImage, type TestImage, type TestImageOptions } from "./images.ts";
import { type RegistryProxy, startRegistryProxy } from "./registry-proxy.ts";
import { startRegistry, type TestRegistry, type TestRegistryOptions } from "./registries.ts";
import { startTestServer, type TestServer, valueAt } from "./server.ts";
import { skopeoPull } from "./skopeo.ts";
import { temporaryDirectory } from "./temporary-directory.ts";
import { connect, create, makeProject, plainBody, RELEASES, settled } from "./zadig-project.ts";

/** How one image of a version ended. */
export interface ImageOutcome {
  readonly status: string;
  readonly error: string;
}

/** How a version ended, as the APIs tell it. */
export interface Outcome {
  readonly status: string;
  readonly error: string;
  readonly images: Readonly<Record<string, ImageOutcome>>;
  readonly verifiedBytes: number;
  readonly totalBytes: number;
}

/** One version that is copied from a registry to another, each behind a door of its own. */
export interface CopyScene {
  readonly version: string;
  readonly source: RegistryProxy;
  readonly target: RegistryProxy;
  /** Makes an image of the version, `<version>/<name>` on both sides. */
  push(name: string, options?: TestImageOptions): Promise<TestImage>;
  /** Posts the version with all images pushed so far; returns when the server has accepted it. */
  start(): Promise<void>;
  /** Waits until the version has ended. */
  end(): Promise<Outcome>;
  retry(): Promise<void>;
  /**
   * What must be so however a version ended: images that passed can be pulled, of those that failed there is no
   * tag, no upload was left behind, and as many bytes are counted as lie at the target, each blob once.
   */
  expectTidy(outcome: Outcome): Promise<void>;
}

/** A server and two real registries, for several scenes. */
export interface CopyStage {
  readonly server: TestServer;
  scene(): Promise<CopyScene>;
  stop(): Promise<void>;
}

/** Starts a server on this database, and the registries. */
export async function startCopyStage(
  place: DatabaseOptions,
  options: { readonly source?: TestRegistryOptions; readonly target?: TestRegistryOptions } = {},
): Promise<CopyStage> {
  const [server, source, target] = await Promise.all([
    startTestServer(place),
    startRegistry(options.source ?? { auth: "open" }),
    startRegistry(options.target ?? { auth: "open" }),
  ]);
  await makeProject(server, "shop");
  const doors: RegistryProxy[] = [];
  let scenes = 0;
  return {
    server,
    scene: async () => {
      scenes += 1;
      const version = `v${scenes}`;
      const own = await Promise.all([startRegistryProxy(source), startRegistryProxy(target)]);
      doors.push(...own);
      return makeScene(server, version, { registries: [source, target], doors: own });
    },
    stop: async () => {
      await server.stop();
      await Promise.all([...doors, source, target].map((one) => one.stop()));
    },
  };
}

interface Sides {
  readonly registries: readonly [TestRegistry, TestRegistry];
  readonly doors: readonly [RegistryProxy, RegistryProxy];
}

async function makeScene(server: TestServer, version: string, sides: Sides): Promise<CopyScene> {
  const [source, target] = sides.doors;
  await connect(server, source, { name: `source-${version}`, projects: ["shop"] });
  const to = await connect(server, target, {
    name: `target-${version}`,
    projects: ["shop"],
    namespace: "prod",
  });
  const images = new Map<string, TestImage>();
  let id = "";

  const imageBody = (name: string) => ({
    container_name: name,
    source_image: `${source.host}/team/${version}/${name}:1`,
    target_image: `${target.host}/prod/${version}/${name}:1`,
    push_image: true,
  });

  return {
    version,
    source,
    target,
    push: async (name, options = {}) => {
      const image = buildTestImage({ seed: `${version} ${name}`, ...options });
      await pushBuiltImage(sides.registries[0], `team/${version}/${name}`, "1", image);
      images.set(name, image);
      return image;
    },
    start: async () => {
      const services = [{ service_name: "s", images: [...images.keys()].map(imageBody) }];
      const body = plainBody({ version_name: version, image_registry_id: to, services });
      const answer = await create(server, body);
      expect([answer.status, answer.text]).toEqual([200, '{"message":"success"}']);
      id = String(answer.headers.get("x-release-id"));
    },
    end: () => outcomeOf(server, version),
    retry: async () => {
      const answer = await server.send("POST", `${RELEASES}/retry`, { body: { id, projectKey: "shop" } });
      expect(answer.status).toBe(200);
    },
    expectTidy: (outcome) => expectTidy({ outcome, images, version, target }, sides.registries[1]),
  };
}

async function outcomeOf(server: TestServer, version: string): Promise<Outcome> {
  const detail = await settled(server, version);
  const listed = valueAt(detail, "services", 0, "images") as (ImageOutcome & { container_name: string })[];
  const { json } = await server.send("GET", `/v1/releases/${String(valueAt(detail, "id"))}`);
  const { verifiedBytes, totalBytes } = valueAt(json, "distribution") as Outcome;
  return {
    status: String(valueAt(detail, "status")),
    error: String(valueAt(detail, "error")),
    images: Object.fromEntries(
      listed.map(({ container_name: name, status, error }) => [name, { status, error }]),
    ),
    verifiedBytes,
    totalBytes,
  };
}

interface Ended {
  readonly outcome: Outcome;
  readonly images: ReadonlyMap<string, TestImage>;
  readonly version: string;
  readonly target: RegistryProxy;
}

/** What a registry that makes tokens wants to see for reading a repository. */
async function authorizationFor({ tokens, username, password }: TestRegistry, repository: string) {
  if (!tokens) return {};
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const scope = `repository:${repository}:pull`;
  const reply = await request(`${tokens.realm}?service=${tokens.service}&scope=${scope}`, {
    headers: { authorization: basic },
  });
  const { token } = (await reply.body.json()) as { token: string };
  return { authorization: `Bearer ${token}` };
}

async function expectTidy(
  { outcome, images, version, target }: Ended,
  registry: TestRegistry,
): Promise<void> {
  const has = async (repository: string, rest: string): Promise<boolean> => {
    const headers = {
      accept: "application/vnd.oci.image.manifest.v1+json",
      ...(await authorizationFor(registry, repository)),
    };
    const url = `http://${registry.host}/v2/${repository}/${rest}`;
    return (await request(url, { method: "HEAD", headers })).statusCode === 200;
  };
  const sizes = new Map<string, number>();
  const present = new Map<string, number>();
  const folder = await temporaryDirectory();
  for (const [name, image] of images) {
    const repository = `prod/${version}/${name}`;
    const passed = outcome.images[name]?.status === "passed";
    expect([name, await has(repository, "manifests/1")]).toEqual([name, passed]);
    if (passed) await skopeoPull(registry, repository, `@${image.top.digest}`, `${folder.path}/${name}`);
    for (const { digest, bytes } of image.blobs) {
      sizes.set(digest, bytes.length);
      if (await has(repository, `blobs/${digest}`)) present.set(digest, bytes.length);
    }
  }
  await folder.remove();
  expect(target.writing()).toBe(0);
  expect(target.openUploads()).toEqual([]);
  const sum = (blobs: ReadonlyMap<string, number>): number =>
    [...blobs.values()].reduce((total, size) => total + size, 0);
  expect([outcome.verifiedBytes, outcome.totalBytes]).toEqual([sum(present), sum(sizes)]);
}
