import { describe, expect, it } from "vitest";
import { digestOf } from "../kernel/digest.ts";
import { isDomainError } from "../kernel/errors.ts";
import { blobsOf, childrenOf, MANIFEST_MAX_BYTES, parseManifest } from "./manifest.ts";

const OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json";
const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const DOCKER_IMAGE = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

const descriptor = (content: string, mediaType = LAYER) => ({
  mediaType,
  digest: digestOf(content),
  size: content.length,
});
const image = (more: object = {}) => ({
  schemaVersion: 2,
  config: descriptor("config", "application/vnd.oci.image.config.v1+json"),
  layers: [descriptor("one"), descriptor("two")],
  ...more,
});
const index = (more: object = {}) => ({
  schemaVersion: 2,
  manifests: [descriptor("child", OCI_IMAGE), descriptor("grandchild", DOCKER_LIST)],
  ...more,
});
const parse = (body: unknown, mediaType: string) => parseManifest(JSON.stringify(body), mediaType);
const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (isDomainError(error, "MANIFEST_INVALID")) return error.message;
    throw error;
  }
  return "accepted";
};

describe("a manifest", () => {
  it("is read from both families, with or without parameters in its type", () => {
    expect(parse(image(), `${OCI_IMAGE}; charset=utf-8`)).toMatchObject({
      kind: "image",
      mediaType: OCI_IMAGE,
    });
    expect(parse(image({ mediaType: DOCKER_IMAGE }), DOCKER_IMAGE).layers).toHaveLength(2);
    expect(parse(index(), OCI_INDEX)).toMatchObject({ kind: "index", config: null, layers: [] });
    expect(parse(index(), DOCKER_LIST).manifests).toHaveLength(2);
  });

  it("tells subject, annotations and artifact type, which falls back to the config's type", () => {
    const subject = descriptor("subject", OCI_IMAGE);
    const signed = parse(image({ subject, artifactType: "a/b", annotations: { k: "v" } }), OCI_IMAGE);
    expect(signed).toMatchObject({ subject, artifactType: "a/b", annotations: { k: "v" } });
    expect(parse(image(), OCI_IMAGE).artifactType).toBe("application/vnd.oci.image.config.v1+json");
    expect(parse(index(), OCI_INDEX)).toMatchObject({ artifactType: null, subject: null, annotations: {} });
  });

  it("names each blob once and leaves out foreign layers", () => {
    const foreign = [
      descriptor("f1", "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
      descriptor("f2", "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
    ];
    const layers = [descriptor("one"), descriptor("one"), ...foreign];
    const blobs = blobsOf(parse(image({ layers }), OCI_IMAGE)).map((blob) => blob.digest);
    expect(blobs).toEqual([digestOf("config"), digestOf("one")]);
  });

  it("names the manifests of an index as children and its other entries as blobs", () => {
    const cache = descriptor("cache");
    const manifest = parse(
      index({ manifests: [...index().manifests, index().manifests[0], cache] }),
      OCI_INDEX,
    );
    expect(childrenOf(manifest).map((child) => child.digest)).toEqual([
      digestOf("child"),
      digestOf("grandchild"),
    ]);
    expect(blobsOf(manifest).map((blob) => blob.digest)).toEqual([cache.digest]);
    expect(childrenOf(parse(image(), OCI_IMAGE))).toEqual([]);
  });

  it("is refused with the name of the wrong field", () => {
    const layer = descriptor("one");
    const wrong: [object, string][] = [
      [{ schemaVersion: 1 }, "schemaVersion"],
      [{ config: undefined }, "config"],
      [{ layers: [{ ...layer, size: -1 }] }, "layers.0.size"],
      [{ layers: [{ ...layer, size: 1.5 }] }, "layers.0.size"],
      [{ layers: [{ ...layer, digest: `sha512:${"a".repeat(128)}` }] }, "layers.0.digest"],
      [{ layers: [{ ...layer, digest: layer.digest.toUpperCase() }] }, "layers.0.digest"],
      [{ layers: [{ digest: layer.digest, size: 1 }] }, "layers.0.mediaType"],
      [{ layers: Array.from({ length: 1000 }, () => layer) }, "layers"],
      [{ subject: { digest: "latest" } }, "subject"],
      [{ annotations: { key: 1 } }, "annotations.key"],
      [{ annotations: { key: "x".repeat(70_000) } }, "annotations"],
      [{ annotations: { key: "a\u0000" } }, "annotations.key"],
      [{ manifests: [] }, "manifests"],
    ];
    for (const [change, field] of wrong)
      expect(refusal(() => parse(image(change), OCI_IMAGE))).toContain(`not valid: ${field}`);
    expect(refusal(() => parse(index({ layers: [] }), OCI_INDEX))).toContain("not valid: layers");
  });

  it("is refused when it is no JSON object, too long, of an unknown type or of another type than promised", () => {
    expect(refusal(() => parseManifest("{", OCI_IMAGE))).toContain("not JSON");
    expect(refusal(() => parseManifest("[]", OCI_IMAGE))).toContain("not valid");
    expect(refusal(() => parseManifest(" ".repeat(MANIFEST_MAX_BYTES + 1), OCI_IMAGE))).toContain("longer");
    expect(refusal(() => parse(image(), "application/json"))).toContain("application/json is not supported");
    expect(refusal(() => parse(image(), ""))).toContain("(none) is not supported");
    expect(refusal(() => parse(image({ mediaType: DOCKER_IMAGE }), OCI_IMAGE))).toContain("says that it is");
  });
});
