import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  buildAttached,
  buildSignature,
  fallbackTag,
  isSignature,
  pushAttached,
  signingKey,
} from "../support/attached.ts";
import { eachEngine } from "../support/databases.ts";
import { pushBuiltImage, pushTestImage, type TestImage } from "../support/images.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { startTestServer, type TestServer, valueAt } from "../support/server.ts";
import { skopeoManifest, skopeoPull } from "../support/skopeo.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { connect, makeProject } from "../support/zadig-project.ts";

const key = signingKey();

/** Signatures and SBOMs travel with their images, between registries with and without the referrers API. */
eachEngine((engine) => {
  let server: TestServer;
  let source: TestRegistry;
  let target: TestRegistry;
  let image: TestImage;
  let sbom: TestImage;
  let sbomSignature: TestImage;
  let signature: TestImage;

  beforeAll(async () => {
    [server, source, target] = await Promise.all([
      engine.place().then((place) => startTestServer(place)),
      startRegistry({ auth: "open" }),
      startRegistry({ auth: "htpasswd" }),
    ]);
    await makeProject(server, "shop");
    await connect(server, source, { name: "source", projects: ["shop"] });
    await connect(server, target, { name: "target", projects: ["shop"], namespace: "prod" });
    const platforms = ["linux/amd64", "linux/arm64"];
    image = await pushTestImage(source.host, "team/api", "1", { seed: "api", platforms });
    const [amd64] = image.manifests;
    if (!amd64) throw new Error("no platform");
    sbom = buildAttached(amd64, '{"spdxVersion":"SPDX-2.3"}');
    await pushAttached(source.host, "team/api", amd64, [sbom], { fallback: true });
    sbomSignature = buildAttached(sbom.top, "signature of the SBOM", "application/vnd.example.signature");
    await pushAttached(source.host, "team/api", sbom.top, [sbomSignature], { fallback: true });
    signature = buildSignature(`${source.host}/team/api`, image.top, key);
    const tag = `${fallbackTag(image.top.digest)}.sig`;
    await pushBuiltImage(source.host, "team/api", tag, signature);
  });
  afterAll(() => Promise.all([server.stop(), source.stop(), target.stop()]));

  const release = async (version: string, changes: object): Promise<unknown> => {
    const made = await server.send("POST", "/v1/projects/shop/releases", {
      body: {
        version,
        targetConnection: "target",
        services: [
          { name: "api", images: [{ containerName: "api", sourceImage: `${source.host}/team/api:1` }] },
        ],
        ...changes,
      },
    });
    expect(made).toMatchObject({ status: 201 });
    const path = `/v1/releases/${String(valueAt(made.json, "id"))}`;
    await expect
      .poll(async () => valueAt((await server.send("GET", path)).json, "distribution", "status"), {
        timeout: 30_000,
      })
      .toMatch(/success|failed/);
    return (await server.send("GET", path)).json;
  };

  test("an SBOM of a platform, its signature, and the image's signature arrive, are listed, and hold", async () => {
    const done = await release("1", { withReferrers: true });
    expect(done).toMatchObject({ withReferrers: true, distribution: { status: "success", error: "" } });
    const sig = `${fallbackTag(image.top.digest)}.sig`;
    expect(valueAt(done, "items", 0, "referrers")).toEqual([
      expect.objectContaining({
        digest: signature.top.digest,
        kind: "cosign-signature",
        tag: sig,
        copied: true,
      }),
      expect.objectContaining({
        digest: sbom.top.digest,
        kind: "referrer",
        artifactType: "application/spdx+json",
        subject: image.manifests[0]?.digest,
        tag: null,
        copied: true,
      }),
      expect.objectContaining({ digest: sbomSignature.top.digest, subject: sbom.top.digest, copied: true }),
    ]);
    const folder = await temporaryDirectory();
    await skopeoPull(target, "prod/api", `:${sig}`, folder.path);
    const [, payload] = signature.blobs;
    const pulled = await readFile(`${folder.path}/${payload?.digest.slice("sha256:".length)}`);
    const manifest = await readFile(`${folder.path}/manifest.json`);
    expect(isSignature(manifest, pulled, image.top.digest, key)).toBe(true);
    expect(isSignature(manifest, pulled, image.top.digest, signingKey())).toBe(false);
    for (const one of [sbom, sbomSignature])
      expect(await skopeoManifest(target, "prod/api", `@${one.top.digest}`)).toEqual(one.top.bytes);
    const list = await skopeoManifest(
      target,
      "prod/api",
      `:${fallbackTag(image.manifests[0]?.digest ?? "")}`,
    );
    expect(JSON.parse(list.toString())).toMatchObject({ manifests: [{ digest: sbom.top.digest }] });
    await folder.remove();
  });
});
