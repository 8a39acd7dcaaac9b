import { createCipheriv, createHash } from "node:crypto";
import { gzipSync } from "node:zlib";
import { Agent, request } from "undici";

/** A registry to push to: its host when it is open, else host and credentials. */
export type RegistryAddress =
  | string
  | {
      readonly host: string;
      readonly username?: string;
      readonly password?: string;
      readonly caPem?: string;
    };

/** The bytes of a layer follow from its seed, so that images can share layers. */
export interface TestLayer {
  readonly seed: string;
  readonly sizeBytes: number;
}

export interface TestImageOptions {
  /** Media types of Docker (schema 2) or of OCI; `oci` when not given. */
  readonly format?: "docker" | "oci";
  /** Three small layers when not given. */
  readonly layers?: readonly TestLayer[];
  /** Tells otherwise equal images apart; goes into the config. */
  readonly seed?: string;
  /** `linux/amd64` and the like: makes an index of one image per platform, sharing all but the last layer. */
  readonly platforms?: readonly string[];
}

/** A blob or manifest of a test image. */
export interface TestContent {
  readonly mediaType: string;
  readonly digest: string;
  readonly bytes: Buffer;
}

export interface TestImage {
  /** What the tag names: the manifest, or the index when there are platforms. */
  readonly top: TestContent;
  /** The image manifests; the same as `top` when there are no platforms. */
  readonly manifests: readonly TestContent[];
  /** Configs and layers, each once. */
  readonly blobs: readonly TestContent[];
}

const TYPES = {
  docker: {
    index: "application/vnd.docker.distribution.manifest.list.v2+json",
    manifest: "application/vnd.docker.distribution.manifest.v2+json",
    config: "application/vnd.docker.container.image.v1+json",
    layer: "application/vnd.docker.image.rootfs.diff.tar.gzip",
  },
  oci: {
    index: "application/vnd.oci.image.index.v1+json",
    manifest: "application/vnd.oci.image.manifest.v1+json",
    config: "application/vnd.oci.image.config.v1+json",
    layer: "application/vnd.oci.image.layer.v1.tar+gzip",
  },
} as const;

const sha256 = (bytes: Buffer): string => `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
const content = (mediaType: string, bytes: Buffer): TestContent => ({
  mediaType,
  digest: sha256(bytes),
  bytes,
});
const json = (mediaType: string, value: object): TestContent =>
  content(mediaType, Buffer.from(JSON.stringify(value)));
const descriptor = ({ mediaType, digest, bytes }: TestContent): object => ({
  mediaType,
  size: bytes.length,
  digest,
});

/** Incompressible bytes that follow from the seed; gzip need not try. */
function noise(seed: string, sizeBytes: number): Buffer {
  const key = createHash("sha256").update(seed).digest();
  return createCipheriv("aes-256-ctr", key, Buffer.alloc(16)).update(Buffer.alloc(sizeBytes));
}

/** A tar archive of one file. */
function tarOf(name: string, bytes: Buffer): Buffer {
  const header = Buffer.alloc(512);
  const octal = (value: number, length: number): string => value.toString(8).padStart(length, "0");
  header.write(name, 0);
  header.write(
    `${octal(0o644, 7)}\0${octal(0, 7)}\0${octal(0, 7)}\0${octal(bytes.length, 11)}\0${octal(0, 11)}\0`,
    100,
  );
  header.write("        0", 148);
  header.write("ustar\0" + "00", 257);
  header.write(
    `${octal(
      header.reduce((sum, byte) => sum + byte, 0),
      6,
    )}\0 `,
    148,
  );
  return Buffer.concat([header, bytes, Buffer.alloc(1024 + ((512 - (bytes.length % 512)) % 512))]);
}

function buildOne(platform: string, options: TestImageOptions, layers: readonly TestLayer[]) {
  const types = TYPES[options.format ?? "oci"];
  const tars = layers.map(({ seed, sizeBytes }) => tarOf(`data/${seed}`, noise(seed, sizeBytes)));
  const packed = tars.map((tar) => content(types.layer, gzipSync(tar, { level: 0 })));
  const [os = "linux", architecture = "amd64"] = platform.split("/");
  const config = json(types.config, {
    created: "2026-01-01T00:00:00Z",
    architecture,
    os,
    config: { Labels: { seed: options.seed ?? "image" } },
    rootfs: { type: "layers", diff_ids: tars.map(sha256) },
  });
  const manifest = json(types.manifest, {
    schemaVersion: 2,
    mediaType: types.manifest,
    config: descriptor(config),
    layers: packed.map(descriptor),
  });
  return { manifest, blobs: [config, ...packed], platform: { architecture, os } };
}

/** Builds a small image (or an index of several) whose bytes follow from the options alone. */
export function buildTestImage(options: TestImageOptions = {}): TestImage {
  const seed = options.seed ?? "image";
  const layers = options.layers ?? [
    { seed: "base", sizeBytes: 200_000 },
    { seed: "dependencies", sizeBytes: 50_000 },
    { seed: `program of ${seed}`, sizeBytes: 10_000 },
  ];
  const last = layers.at(-1);
  const built = options.platforms
    ? options.platforms.map((platform) =>
        buildOne(platform, options, [
          ...layers.slice(0, -1),
          ...(last ? [{ ...last, seed: `${last.seed} ${platform}`.replaceAll("/", "-") }] : []),
        ]),
      )
    : [buildOne("linux/amd64", options, layers)];
  const manifests = built.map(({ manifest }) => manifest);
  const blobs = [...new Map(built.flatMap((one) => one.blobs).map((blob) => [blob.digest, blob])).values()];
  const [first] = manifests;
  if (!first) throw new Error("an index needs at least one platform");
  if (!options.platforms) return { top: first, manifests, blobs };
  const type = TYPES[options.format ?? "oci"].index;
  const children = built.map(({ manifest, platform }) => ({ ...descriptor(manifest), platform }));
  return { top: json(type, { schemaVersion: 2, mediaType: type, manifests: children }), manifests, blobs };
}

type Send = (
  method: "HEAD" | "POST" | "PUT",
  url: string,
  body?: TestContent,
) => Promise<{ status: number; location: string; text: string }>;

async function bearerFor(challenge: string, repository: string, basic: string): Promise<string> {
  const [realm, service] = ["realm", "service"].map(
    (name) => new RegExp(`${name}="([^"]+)"`).exec(challenge)?.[1],
  );
  const url = `${realm}?service=${service}&scope=repository:${repository}:pull,push`;
  const { body } = await request(url, { headers: { authorization: basic } });
  return `Bearer ${((await body.json()) as { token: string }).token}`;
}

/** A plain client of its own, so that tests of our client do not rest on our client. */
async function senderFor(address: RegistryAddress, repository: string): Promise<Send> {
  const { host, username, password, caPem } = typeof address === "string" ? { host: address } : address;
  const dispatcher = new Agent(caPem ? { connect: { ca: caPem } } : {});
  const root = `${caPem ? "https" : "http"}://${host}`;
  const basic = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
  const ping = await request(`${root}/v2/`, { dispatcher });
  await ping.body.dump();
  const challenge = String(ping.headers["www-authenticate"] ?? "");
  const authorization = challenge.startsWith("Bearer")
    ? await bearerFor(challenge, repository, basic)
    : basic;
  return async (method, path, body) => {
    const reply = await request(new URL(path, root), {
      method,
      dispatcher,
      headers: {
        ...(challenge ? { authorization } : {}),
        ...(body ? { "content-type": body.mediaType } : {}),
      },
      body: body?.bytes ?? null,
    });
    const text = await reply.body.text();
    return { status: reply.statusCode, location: String(reply.headers["location"] ?? ""), text };
  };
}

function expectStatus(what: string, wanted: number, reply: { status: number; text: string }): void {
  if (reply.status !== wanted) throw new Error(`${what}: ${reply.status} ${reply.text}`);
}

/** Pushes one blob into a repository. */
async function pushBlob(send: Send, repository: string, blob: TestContent): Promise<void> {
  const found = await send("HEAD", `/v2/${repository}/blobs/${blob.digest}`);
  if (found.status === 200) return;
  const begun = await send("POST", `/v2/${repository}/blobs/uploads/`);
  expectStatus("upload", 202, begun);
  const separator = begun.location.includes("?") ? "&" : "?";
  const octets = { ...blob, mediaType: "application/octet-stream" };
  expectStatus("blob", 201, await send("PUT", `${begun.location}${separator}digest=${blob.digest}`, octets));
}

/** Pushes an image that is already built. */
export async function pushBuiltImage(
  address: RegistryAddress,
  repository: string,
  tag: string,
  image: TestImage,
): Promise<void> {
  const send = await senderFor(address, repository);
  for (const blob of image.blobs) await pushBlob(send, repository, blob);
  for (const child of image.manifests) {
    expectStatus("manifest", 201, await send("PUT", `/v2/${repository}/manifests/${child.digest}`, child));
  }
  expectStatus("tag", 201, await send("PUT", `/v2/${repository}/manifests/${tag}`, image.top));
}

/** Builds a test image and pushes it under a tag. */
export async function pushTestImage(
  address: RegistryAddress,
  repository: string,
  tag: string,
  options: TestImageOptions = {},
): Promise<TestImage> {
  const image = buildTestImage(options);
  await pushBuiltImage(address, repository, tag, image);
  return image;
}
