import { createPublicKey, generateKeyPairSync, type KeyObject, sign, verify } from "node:crypto";
import { digestOf } from "../../src/kernel/digest.ts";
import { pushBuiltImage, type RegistryAddress, type TestContent, type TestImage } from "./images.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const SIMPLE_SIGNING = "application/vnd.dev.cosign.simplesigning.v1+json";
const SIGNATURE = "dev.cosignproject.cosign/signature";

const content = (mediaType: string, value: object | string): TestContent => {
  const bytes = Buffer.from(typeof value === "string" ? value : JSON.stringify(value));
  return { mediaType, digest: digestOf(bytes), bytes };
};
const descriptor = ({ mediaType, digest, bytes }: TestContent) => ({ mediaType, digest, size: bytes.length });

export const fallbackTag = (digest: string): string => digest.replace(":", "-");

/** An artifact that names its subject, as oras makes them: an SBOM, or whatever the type says. */
export function buildAttached(
  subject: TestContent,
  payload: string,
  artifactType = "application/spdx+json",
): TestImage {
  const config = content("application/vnd.oci.empty.v1+json", "{}");
  const layer = content(artifactType, payload);
  const top = content(MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType,
    config: descriptor(config),
    layers: [descriptor(layer)],
    subject: descriptor(subject),
    annotations: { "org.opencontainers.image.created": "2026-01-01T00:00:00Z" },
  });
  return { top, manifests: [], blobs: [config, layer] };
}

/** The list of referrers that clients keep under a tag where a registry keeps none. */
export const buildFallbackIndex = (...attached: readonly TestImage[]): TestContent =>
  content(INDEX, {
    schemaVersion: 2,
    mediaType: INDEX,
    manifests: attached.map(({ top }) => ({ ...descriptor(top), artifactType: "application/spdx+json" })),
  });

/** Attaches artifacts by their subject; with `fallback` also in the list under its tag. */
export async function pushAttached(
  registry: RegistryAddress,
  repository: string,
  subject: TestContent,
  attached: readonly TestImage[],
  how: { readonly fallback: boolean },
): Promise<void> {
  for (const one of attached) await pushBuiltImage(registry, repository, one.top.digest, one);
  if (!how.fallback) return;
  const list = { top: buildFallbackIndex(...attached), manifests: [], blobs: [] };
  await pushBuiltImage(registry, repository, fallbackTag(subject.digest), list);
}

/** An ECDSA key pair as cosign makes them. */
export const signingKey = (): KeyObject => generateKeyPairSync("ec", { namedCurve: "prime256v1" }).privateKey;

const signatures = new WeakMap<KeyObject, Map<string, string>>();

/** What a key signed once: with ECDSA no signature comes out twice. */
function signatureOf(payload: TestContent, key: KeyObject): string {
  const own = signatures.get(key) ?? new Map<string, string>();
  const signature = own.get(payload.digest) ?? sign("sha256", payload.bytes, key).toString("base64");
  signatures.set(key, own.set(payload.digest, signature));
  return signature;
}

/** Signatures of one digest in cosign's form: a layer for each key, with what is signed; the signature in an annotation. */
export function buildSignature(reference: string, subject: TestContent, ...keys: KeyObject[]): TestImage {
  const payload = content(SIMPLE_SIGNING, {
    critical: {
      identity: { "docker-reference": reference },
      image: { "docker-manifest-digest": subject.digest },
      type: "cosign container image signature",
    },
    optional: null,
  });
  const config = content("application/vnd.oci.image.config.v1+json", {
    architecture: "",
    os: "",
    config: {},
    rootfs: { type: "layers", diff_ids: keys.map(() => payload.digest) },
  });
  const layers = keys.map((key) => ({
    ...descriptor(payload),
    annotations: { [SIGNATURE]: signatureOf(payload, key) },
  }));
  const top = content(MANIFEST, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor(config),
    layers,
  });
  return { top, manifests: [], blobs: [config, payload] };
}

/** Whether this manifest and payload, as read from a registry, are a key's signature of the digest. */
export function isSignature(manifest: Buffer, payload: Buffer, digest: string, key: KeyObject): boolean {
  const { layers } = JSON.parse(manifest.toString()) as {
    layers: { digest: string; annotations: Record<string, string> }[];
  };
  const { critical } = JSON.parse(payload.toString()) as {
    critical: { image: { "docker-manifest-digest": string } };
  };
  const held = layers.map(({ annotations }) => Buffer.from(annotations[SIGNATURE] ?? "", "base64"));
  return (
    layers.every((layer) => layer.digest === digestOf(payload)) &&
    critical.image["docker-manifest-digest"] === digest &&
    held.some((signature) => verify("sha256", payload, createPublicKey(key), signature))
  );
}
