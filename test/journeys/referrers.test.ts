import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  buildAttached,
  buildSignature,
  fallbackTag,
  isSignature,
  pushAttached,
  signingKey,
} from "../support/attached.ts";
import { eachEngine } from "../support/databases.ts";
import {
  buildTestImage,
  pushBuiltImage,
  pushTestImage,
  type RegistryAddress,
  type TestContent,
  type TestImage,
} from "../support/images.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { refusal, type RegistryProxy, startRegistryProxy } from "../support/registry-proxy.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { skopeoManifest, skopeoPull } from "../support/skopeo.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { connect, create, makeProject, plainBody, settled } from "../support/zadig-project.ts";

const key = signingKey();
const sigTag = ({ digest }: TestContent): string => `${fallbackTag(digest)}.sig`;
const existing = (content: TestContent | undefined): TestContent => {
  if (!content) throw new Error("the test image lacks this part");
  return content;
};

/** An image for two platforms; an SBOM of the second one; that SBOM's own signature; a signature of the whole. */
function buildFamily(seed: string) {
  const image = buildTestImage({ seed, platforms: ["linux/amd64", "linux/arm64"] });
  const arm64 = existing(image.manifests[1]);
  const sbom = buildAttached(arm64, `{"spdxVersion":"SPDX-2.3","name":"${seed}"}`);
  const sbomSignature = buildAttached(sbom.top, `signed ${seed}`, "application/vnd.example.signature");
  const signature = buildSignature(`registry.example/${seed}`, image.top, key);
  return { image, arm64, sbom, sbomSignature, signature };
}
type Family = ReturnType<typeof buildFamily>;

/** Pushes all of it, as it lies in a registry that has the referrers API or has it not. */
async function pushFamily(
  registry: RegistryAddress,
  repository: string,
  family: Family,
  { fallback }: { readonly fallback: boolean },
): Promise<void> {
  const { image, arm64, sbom, sbomSignature, signature } = family;
  await pushBuiltImage(registry, repository, "1", image);
  await pushAttached(registry, repository, arm64, [sbom], { fallback });
  await pushAttached(registry, repository, sbom.top, [sbomSignature], { fallback });
  await pushBuiltImage(registry, repository, sigTag(image.top), signature);
}

/** Signatures and SBOMs travel with their images, between registries with and without the referrers API. */
eachEngine((engine) => {
  let server: TestServer;
  let source: TestRegistry;
  let target: TestRegistry;
  let sourceDoor: RegistryProxy;
  let targetDoor: RegistryProxy;
  let inside: RegistryAddress & { readonly host: string };

  beforeAll(async () => {
    [server, source, target] = await Promise.all([
      engine.place().then((place) => startTestServer(place)),
      startRegistry({ auth: "open" }),
      startRegistry({ auth: "htpasswd" }),
    ]);
    [sourceDoor, targetDoor] = await Promise.all([startRegistryProxy(source), startRegistryProxy(target)]);
    inside = { host: new URL(server.url).host, username: "any", password: server.adminToken };
    await makeProject(server, "shop");
    await connect(server, sourceDoor, { name: "source", projects: ["shop"] });
    await connect(server, targetDoor, { name: "target", projects: ["shop"], namespace: "prod" });
  });
  afterAll(async () => {
    await server.stop();
    await Promise.all([sourceDoor, targetDoor, source, target].map((one) => one.stop()));
  });

  const imageOf = (name: string, more: object = {}) => ({
    services: [
      {
        name: "api",
        images: [{ containerName: "api", sourceImage: `${sourceDoor.host}/team/${name}:1`, ...more }],
      },
    ],
  });
  const ended = async (id: string): Promise<unknown> => {
    const path = `/v1/releases/${id}`;
    await expect
      .poll(async () => valueAt((await server.send("GET", path)).json, "distribution", "status"), {
        timeout: 30_000,
      })
      .toMatch(/success|failed/);
    return (await server.send("GET", path)).json;
  };
  const release = async (version: string, changes: object): Promise<unknown> => {
    const body = { version, targetConnection: "target", withReferrers: true, ...changes };
    const made = await server.send("POST", "/v1/projects/shop/releases", { body });
    expect(made).toMatchObject({ status: 201 });
    return ended(String(valueAt(made.json, "id")));
  };
  const retry = async (done: unknown): Promise<unknown> => {
    const id = String(valueAt(done, "id"));
    expect(await server.send("POST", `/v1/releases/${id}/retry`)).toMatchObject({ status: 202 });
    return ended(id);
  };
  const referrersOf = (done: unknown) => valueAt(done, "items", 0, "referrers");
  const listedUnder = async (registry: RegistryAddress, repository: string, { digest }: TestContent) => {
    const list = await skopeoManifest(registry, repository, `:${fallbackTag(digest)}`);
    return (JSON.parse(list.toString()) as { manifests: { digest: string }[] }).manifests.map(
      (entry) => entry.digest,
    );
  };
  /** The image, its SBOM, the SBOM's signature and the image's are there, and the signature holds. */
  const expectFamily = async (registry: RegistryAddress, repository: string, family: Family) => {
    const { image, sbom, sbomSignature, signature } = family;
    const folder = await temporaryDirectory();
    await skopeoPull(registry, repository, ":1", `${folder.path}/image`);
    for (const one of [sbom, sbomSignature]) {
      await skopeoPull(registry, repository, `@${one.top.digest}`, `${folder.path}/${one.top.digest}`);
      expect(await readFile(`${folder.path}/${one.top.digest}/manifest.json`)).toEqual(one.top.bytes);
    }
    await skopeoPull(registry, repository, `:${sigTag(image.top)}`, `${folder.path}/signature`);
    const payload = existing(signature.blobs[1]).digest.slice("sha256:".length);
    const [manifest, signed] = await Promise.all([
      readFile(`${folder.path}/signature/manifest.json`),
      readFile(`${folder.path}/signature/${payload}`),
    ]);
    expect(isSignature(manifest, signed, image.top.digest, key)).toBe(true);
    expect(isSignature(manifest, signed, image.top.digest, signingKey())).toBe(false);
    await folder.remove();
  };

  describe("signatures and SBOMs", () => {
    const family = buildFamily("api");
    const { image, arm64, sbom, sbomSignature, signature } = family;
    beforeAll(() => pushFamily(source.host, "team/api", family, { fallback: true }));

    test("arrive with the image in a registry without the API, are listed, and hold", async () => {
      const done = await release("first", imageOf("api"));
      expect(done).toMatchObject({ withReferrers: true, distribution: { status: "success", error: "" } });
      expect(referrersOf(done)).toEqual([
        {
          digest: signature.top.digest,
          kind: "cosign-signature",
          subject: image.top.digest,
          tag: sigTag(image.top),
          mediaType: signature.top.mediaType,
          artifactType: "application/vnd.oci.image.config.v1+json",
          sizeBytes: [signature.top, ...signature.blobs].reduce((sum, { bytes }) => sum + bytes.length, 0),
          copied: true,
        },
        expect.objectContaining({
          digest: sbom.top.digest,
          kind: "referrer",
          artifactType: "application/spdx+json",
          subject: arm64.digest,
          tag: null,
          copied: true,
        }),
        expect.objectContaining({ digest: sbomSignature.top.digest, subject: sbom.top.digest, copied: true }),
      ]);
      await expectFamily(target, "prod/api", family);
      expect(await listedUnder(target, "prod/api", arm64)).toEqual([sbom.top.digest]);
      expect(await listedUnder(target, "prod/api", sbom.top)).toEqual([sbomSignature.top.digest]);
      const blobs = [image, sbom, sbomSignature, signature].flatMap((one) => one.blobs);
      const unique = new Map(blobs.map((blob) => [blob.digest, blob.bytes.length]));
      const totalBytes = unique.values().reduce((sum, size) => sum + size, 0);
      expect(done).toMatchObject({ distribution: { totalBytes, verifiedBytes: totalBytes } });
    });

    test("are not written a second time; one that is new is all that moves", async () => {
      const before = target.requests.length;
      const again = await release("again", imageOf("api"));
      expect(again).toMatchObject({ distribution: { status: "success" } });
      const writesSince = () =>
        target.requests.slice(before).filter((line) => /^(POST|PUT|PATCH)/.test(line));
      expect(writesSince()).toEqual([]);
      const late = buildAttached(arm64, "a second SBOM", "application/vnd.cyclonedx+json");
      await pushAttached(source.host, "team/api", arm64, [sbom, late], { fallback: true });
      const more = await release("more", imageOf("api"));
      expect(more).toMatchObject({ distribution: { status: "success" } });
      expect(referrersOf(more)).toHaveLength(4);
      const puts = writesSince().filter((line) => line.includes("/manifests/"));
      expect(puts.map((line) => line.split(" ")[1])).toEqual([
        `/v2/prod/api/manifests/${late.top.digest}`,
        `/v2/prod/api/manifests/${fallbackTag(arm64.digest)}`,
      ]);
      expect(await listedUnder(target, "prod/api", arm64)).toEqual([sbom.top.digest, late.top.digest]);
    });

    test("travel through the registry inside, which lists them, and on to one that does not", async () => {
      const staged = await release("staged", { ...imageOf("api"), targetConnection: "built-in" });
      expect(staged).toMatchObject({ distribution: { status: "success", error: "" } });
      await expectFamily(inside, "shop/api", family);
      const list = await fetch(`${server.url}/v2/shop/api/referrers/${arm64.digest}`, {
        headers: { authorization: `Basic ${btoa(`any:${server.adminToken}`)}` },
      });
      const digests = ((await list.json()) as { manifests: { digest: string }[] }).manifests;
      expect(digests.map(({ digest }) => digest)).toContain(sbom.top.digest);
      const services = [
        {
          name: "api",
          images: [{ containerName: "api", targetImage: `${targetDoor.host}/prod/promoted:1` }],
        },
      ];
      const before = sourceDoor.asked.length;
      const promoted = await release("promoted", { source: "release", originalVersion: "staged", services });
      expect(promoted).toMatchObject({ distribution: { status: "success", error: "" } });
      expect(sourceDoor.asked.slice(before)).toEqual([]);
      expect(referrersOf(promoted)).toHaveLength(4);
      await expectFamily(target, "prod/promoted", family);
      expect(await listedUnder(target, "prod/promoted", arm64)).toContain(sbom.top.digest);
    });

    test("cannot be deleted from the registry inside while a release pins them", async () => {
      const remove = (digest: string) =>
        fetch(`${server.url}/v2/shop/api/manifests/${digest}`, {
          method: "DELETE",
          headers: { authorization: `Basic ${btoa(`any:${server.adminToken}`)}` },
        });
      const refused = await remove(sbom.top.digest);
      expect([refused.status, await refused.text()]).toEqual([403, expect.stringContaining("staged")]);
    });

    test("stay where they are when nobody asked, and nothing more is asked of a registry", async () => {
      const [before, atTarget] = [sourceDoor.asked.length, targetDoor.asked.length];
      const target_image = { targetImage: `${targetDoor.host}/prod/alone:1` };
      const done = await release("alone", { ...imageOf("api", target_image), withReferrers: null });
      expect(done).toMatchObject({ withReferrers: false, distribution: { status: "success" } });
      expect(referrersOf(done)).toEqual([]);
      const asked = [...sourceDoor.asked.slice(before), ...targetDoor.asked.slice(atTarget)];
      expect(asked.filter((line) => /referrers|sha256-/.test(line))).toEqual([]);
    });

    test("travel when their project says so, through Zadig's door too; a release may still say no", async () => {
      const patched = await server.send("PATCH", "/v1/projects/shop", { body: { withReferrers: true } });
      expect(patched).toMatchObject({ status: 200, json: { withReferrers: true, name: "shop" } });
      const to = (name: string) => ({ targetImage: `${targetDoor.host}/prod/${name}:1` });
      const yes = await release("by-project", { ...imageOf("api", to("yes")), withReferrers: null });
      expect(referrersOf(yes)).toHaveLength(4);
      const no = await release("not-this-one", { ...imageOf("api", to("no")), withReferrers: false });
      expect(no).toMatchObject({ withReferrers: false, items: [{ referrers: [] }] });
      const registries = await server.send("GET", "/v1/connections/target");
      const images = [
        {
          container_name: "api",
          source_image: `${sourceDoor.host}/team/api:1`,
          target_image: `${targetDoor.host}/prod/zadig:1`,
          push_image: true,
        },
      ];
      await create(
        server,
        plainBody({
          version_name: "zadig",
          image_registry_id: valueAt(registries.json, "id"),
          services: [{ service_name: "api", images }],
        }),
      );
      expect(await settled(server, "zadig")).toMatchObject({ status: "success" });
      await expectFamily(target, "prod/zadig", family);
      await server.send("PATCH", "/v1/projects/shop", { body: { withReferrers: false } });
    });
  });

  describe("what was asked for and cannot be copied fails its image", () => {
    test("by name at the target; a retry goes on with what was found, and looks no more", async () => {
      const family = buildFamily("held up");
      await pushFamily(source.host, "team/held-up", family, { fallback: true });
      const sbom = family.sbom.top.digest;
      targetDoor.disturb(new RegExp(`^PUT .*/manifests/${sbom}`), refusal(403, "DENIED", "no SBOMs here"));
      const failed = await release("held up", imageOf("held-up"));
      expect(failed).toMatchObject({ distribution: { status: "failed" }, items: [{ status: "failed" }] });
      expect(valueAt(failed, "items", 0, "error")).toMatch(
        new RegExp(`^The referrer ${sbom} of ${family.arm64.digest} cannot be copied: .*no SBOMs here`),
      );
      expect(referrersOf(failed)).toMatchObject([{ copied: false }, { copied: false }, { copied: false }]);
      targetDoor.heal();
      const late = buildAttached(family.arm64, "attached after the pin");
      await pushAttached(source.host, "team/held-up", family.arm64, [late], { fallback: true });
      const before = sourceDoor.asked.length;
      const done = await retry(failed);
      expect(done).toMatchObject({ distribution: { status: "success", error: "" } });
      const looks = sourceDoor.asked.slice(before).filter((line) => /referrers|sha256-/.test(line));
      expect(looks).toEqual([]);
      expect(referrersOf(done)).toMatchObject([{ copied: true }, { copied: true }, { copied: true }]);
      await expectFamily(target, "prod/held-up", family);
      expect(await listedUnder(target, "prod/held-up", family.arm64)).toEqual([sbom]);
    });

    test("by name when a blob of it is gone; the other images arrive", async () => {
      const [family, other] = [buildFamily("torn"), buildFamily("whole")];
      await pushFamily(source.host, "team/torn", family, { fallback: true });
      await pushFamily(source.host, "team/whole", other, { fallback: true });
      const [, layer] = family.sbom.blobs;
      sourceDoor.disturb(
        new RegExp(`^GET .*/blobs/${existing(layer).digest}`),
        refusal(404, "BLOB_UNKNOWN", "lost"),
      );
      const both = ["torn", "whole"].map((name) => ({ name, ...imageOf(name).services[0] }));
      const done = await release("torn", { services: both.map((one, at) => ({ ...one, name: `s${at}` })) });
      sourceDoor.heal();
      expect(done).toMatchObject({ items: [{ status: "failed" }, { status: "verified" }] });
      expect(valueAt(done, "items", 0, "error")).toContain(`The referrer ${family.sbom.top.digest} of`);
      await expectFamily(target, "prod/whole", other);
    });

    test.each([
      [
        "fails",
        refusal(500, "UNKNOWN", "disk on fire"),
        /^listing the referrers of .* UNKNOWN: disk on fire/,
      ],
      ["refuses", refusal(403, "DENIED", "not yours"), /^listing the referrers of .* DENIED: not yours/],
    ])("before a byte moves when the list of referrers %s", async (word, fault, words) => {
      await pushTestImage(source.host, `team/unlisted-${word}`, "1", { seed: word });
      // A door of its own: a host that fails may be let rest for a while.
      const door = await startRegistryProxy(source);
      await connect(server, door, { name: word, projects: ["shop"] });
      door.disturb(/\/referrers\//, fault);
      const sourceImage = `${door.host}/team/unlisted-${word}:1`;
      const done = await release(`unlisted ${word}`, imageOf("", { sourceImage }));
      await door.stop();
      expect(done).toMatchObject({ items: [{ status: "failed", pinnedDigest: null }] });
      expect(valueAt(done, "items", 0, "error")).toMatch(words);
      await expect(skopeoManifest(target, `prod/unlisted-${word}`, ":1")).rejects.toThrow("unknown");
    });

    test("when other bytes come under its digest", async () => {
      const family = buildFamily("swapped");
      await pushFamily(source.host, "team/swapped", family, { fallback: true });
      const body = family.sbomSignature.top.bytes.toString();
      sourceDoor.disturb(new RegExp(`^GET .*/manifests/${family.sbom.top.digest}`), { status: 200, body });
      const done = await release("swapped", imageOf("swapped"));
      sourceDoor.heal();
      expect(valueAt(done, "items", 0, "error")).toMatch(
        new RegExp(`^The referrer ${family.sbom.top.digest} of .* cannot be copied: .*digest mismatch`),
      );
    });

    test("when the list is longer than anybody needs", async () => {
      const family = buildFamily("flooded");
      await pushFamily(source.host, "team/flooded", family, { fallback: true });
      const many = Array.from({ length: 101 }, (_, at) => buildAttached(family.arm64, `number ${at}`));
      await pushAttached(source.host, "team/flooded", family.arm64, many, { fallback: true });
      const done = await release("flooded", imageOf("flooded"));
      expect(valueAt(done, "items", 0, "error")).toBe(
        `The image ${family.image.top.digest} has more than 100 referrers`,
      );
    });
  });

  describe("signatures that share cosign's tag", () => {
    const signedBy = (top: TestContent, ...keys: Parameters<typeof buildSignature>[2][]) =>
      buildSignature("registry.example/shared", top, ...keys);
    const put = (registry: RegistryAddress, repository: string, image: TestImage, signature: TestImage) =>
      pushBuiltImage(registry, repository, sigTag(image.top), signature);
    const other = signingKey();
    const third = signingKey();

    test.each([
      ["the source has all of the target's and more", [key], [key, other], /^$/, [key, other]],
      ["the target has all of the source's and more", [key, other], [key], /^$/, [key, other]],
      [
        "the target has one that the source lacks",
        [key, third],
        [key, other],
        /holds something that the source lacks/,
        [key, third],
      ],
    ] as const)("lose none: %s", async (title, atTarget, atSource, problem, after) => {
      const name = title.replaceAll(/[^a-z]+/g, "-");
      const image = buildTestImage({ seed: title });
      await pushBuiltImage(source.host, `team/${name}`, "1", image);
      await put(source.host, `team/${name}`, image, signedBy(image.top, ...atSource));
      await pushBuiltImage(target, `prod/${name}`, "1", image);
      await put(target, `prod/${name}`, image, signedBy(image.top, ...atTarget));
      const done = await release(name, imageOf(name));
      expect(valueAt(done, "items", 0, "error")).toMatch(problem);
      const held = await skopeoManifest(target, `prod/${name}`, `:${sigTag(image.top)}`);
      expect(held).toEqual(signedBy(image.top, ...after).top.bytes);
    });
  });
});
