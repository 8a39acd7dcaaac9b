import { join } from "node:path";
import { dependencyFiles, nodeFiles, programFiles } from "./layer-files.ts";
import { type Layer, packLayer } from "./pack-layer.ts";
import { type Blob, digestOf, type Manifest } from "./registry-client.ts";

/** A service of the demonstration with its image, ready to be pushed. */
export interface PackedImage {
  /** The service; also the last part of its repository. */
  readonly service: string;
  readonly layers: readonly Layer[];
  readonly config: Blob;
  readonly manifest: Manifest;
  readonly digest: string;
}

const MEDIA_TYPE = {
  manifest: "application/vnd.oci.image.manifest.v1+json",
  config: "application/vnd.oci.image.config.v1+json",
  layer: "application/vnd.oci.image.layer.v1.tar+gzip",
} as const;

/** Node's names for machines, and those of images. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: "amd64", arm64: "arm64" };

/**
 * Packs Headgate itself as two images without Docker: `server`, and `worker`, which has the same three layers and one
 * of its own. They hold no operating system, so they are cargo for this demonstration and nothing to run.
 */
export async function packImages(root: string, folder: string): Promise<PackedImage[]> {
  const pack = async (
    title: string,
    name: string,
    entries: Parameters<typeof packLayer>[1],
  ): Promise<Layer> => packLayer(title, entries, join(folder, `${name}.tar.gz`));
  const [node, dependencies, program, worker] = await Promise.all([
    pack("the Node binary", "node", await nodeFiles(root)),
    pack("production dependencies", "dependencies", await dependencyFiles(root)),
    pack("the program", "program", await programFiles(root)),
    pack("the worker's settings", "worker", [
      { name: "etc/headgate/worker.env", from: { text: "HEADGATE_LOG_LEVEL=warn\n" }, isExecutable: false },
    ]),
  ]);
  return [
    imageOf("server", "serve", [node, dependencies, program]),
    imageOf("worker", "worker", [node, dependencies, program, worker]),
  ];
}

/** The configuration and manifest of an image (OCI image specification 1.1). */
function imageOf(service: string, command: string, layers: readonly Layer[]): PackedImage {
  const config = json({
    architecture: ARCHITECTURES[process.arch] ?? process.arch,
    os: process.platform,
    config: {
      Entrypoint: ["/usr/local/bin/node", "/app/src/main.ts"],
      Cmd: [command],
      WorkingDir: "/app",
      Env: ["PATH=/usr/local/bin", "HEADGATE_HOST=0.0.0.0", "HEADGATE_DATA_DIR=/data"],
    },
    rootfs: { type: "layers", diff_ids: layers.map((layer) => layer.diffId) },
    history: layers.map((layer) => ({ created_by: `npm run demo: ${layer.title}` })),
  });
  const bytes = json({
    schemaVersion: 2,
    mediaType: MEDIA_TYPE.manifest,
    config: { mediaType: MEDIA_TYPE.config, digest: digestOf(config), size: config.length },
    layers: layers.map(({ digest, sizeBytes }) => ({ mediaType: MEDIA_TYPE.layer, digest, size: sizeBytes })),
  });
  return {
    service,
    layers,
    config: { digest: digestOf(config), sizeBytes: config.length, open: () => config },
    manifest: { mediaType: MEDIA_TYPE.manifest, bytes },
    digest: digestOf(bytes),
  };
}

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
