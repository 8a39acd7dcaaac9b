import { randomBytes } from "node:crypto";
import {
  createRegistryConnector,
  type RegistryConnectorOptions,
} from "../../src/connectors/registries/oci-registry-connector.ts";
import type { BlobArrival } from "../../src/connectors/registries/registry.ts";
import { digestOf } from "../../src/kernel/digest.ts";
import { buildTestImage, pushBuiltImage } from "./images.ts";
import { type RegistryProxy, startRegistryProxy } from "./registry-proxy.ts";
import { settingsFor } from "./registry-settings.ts";
import type { TestRegistry } from "./registries.ts";

const SIZE_BYTES = 12 * 1024 * 1024;

/** What has become of a blob. */
export interface BlobState {
  /** The target has it; real registries check what they store. */
  readonly there: boolean;
  readonly countedBytes: number;
  readonly openUploads: readonly string[];
}

/** One blob at a real registry, on its way to another, each behind a door of its own. */
export interface BlobScene {
  readonly sizeBytes: number;
  readonly source: RegistryProxy;
  readonly target: RegistryProxy;
  copy(): Promise<BlobArrival>;
  state(): Promise<BlobState>;
  stop(): Promise<void>;
}

/** Pushes a blob to the source and opens the doors. `tokenHosts`: who besides the target may make its tokens. */
export async function startBlobScene(
  registries: { readonly source: TestRegistry; readonly target: TestRegistry },
  options: RegistryConnectorOptions & { readonly tokenHosts?: readonly string[] } = {},
): Promise<BlobScene> {
  const bytes = randomBytes(SIZE_BYTES);
  const digest = digestOf(bytes);
  const blob = { mediaType: "application/octet-stream", digest, bytes };
  const image = buildTestImage();
  await pushBuiltImage(registries.source, "team/api", "1", { ...image, blobs: [...image.blobs, blob] });
  const [source, target] = await Promise.all([
    startRegistryProxy(registries.source),
    startRegistryProxy(registries.target),
  ]);
  const { tokenHosts, ...limits } = options;
  const connector = createRegistryConnector(limits);
  const from = connector.open(settingsFor(source));
  const to = connector.open(settingsFor(target, tokenHosts ? { tokenHosts } : {}));
  let countedBytes = 0;
  return {
    sizeBytes: SIZE_BYTES,
    source,
    target,
    copy: () =>
      connector.copyBlob({
        source: { registry: from, repository: "team/api" },
        target: { registry: to, repository: "shop/api" },
        digest,
        sizeBytes: SIZE_BYTES,
        onBytes: (count) => void (countedBytes += count),
      }),
    state: async () => ({
      there: await to.hasBlob("shop/api", digest),
      countedBytes,
      openUploads: target.openUploads(),
    }),
    stop: async () => {
      await connector.close();
      await Promise.all([source.stop(), target.stop()]);
    },
  };
}
