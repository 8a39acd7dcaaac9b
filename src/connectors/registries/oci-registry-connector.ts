import { createHash } from "node:crypto";
import { refuseInTransaction } from "../../kernel/transaction-scope.ts";
import { createHttpClient, type HttpClientOptions } from "../http-client.ts";
import { RETRY_RULE, type RetryRule } from "../retry.ts";
import { createSlots } from "../slots.ts";
import { transferBlob } from "./blob-copy.ts";
import { ociRegistry } from "./oci-registry.ts";
import { openSession, type RegistrySession } from "./oci-session.ts";
import { createSlabSockets } from "./slab-sockets.ts";
import type { BlobArrival, BlobCopy, Registry, RegistryConnector, RegistrySettings } from "./registry.ts";

/** What may be set; times in milliseconds. */
export interface RegistryConnectorOptions extends Omit<HttpClientOptions, "connectionsPerHost"> {
  /** How many blobs one host sends or receives at a time; 6 when not given. */
  readonly blobsPerHost?: number;
  readonly retry?: RetryRule;
  /** How long a registry may take to store a blob that it has received. */
  readonly commitMillis?: number;
}

const MAX_KEPT_HANDLES = 500;

/** A name for settings that holds no secret. */
const keyOf = (settings: RegistrySettings): string =>
  createHash("sha256").update(JSON.stringify(settings)).digest("hex");

/** Makes the connector to all registries that speak the OCI distribution protocol or Docker's, version 2. */
export function createRegistryConnector(options: RegistryConnectorOptions = {}): RegistryConnector {
  const { blobsPerHost = 6, retry = RETRY_RULE, commitMillis = 300_000, ...rest } = options;
  // A copy inside one registry holds two sockets; the third share is for everything else, so nothing can starve.
  const http = createHttpClient({ ...rest, connectionsPerHost: 3 * blobsPerHost });
  const tools = {
    sockets: createSlabSockets(rest),
    health: http.health,
    traffic: http.traffic,
    firstByteMillis: rest.firstByteMillis ?? 30_000,
    stallMillis: rest.stallMillis ?? 60_000,
    commitMillis,
  };
  const slots = createSlots(blobsPerHost);
  const handles = new Map<string, Registry>();
  const sessions = new WeakMap<Registry, RegistrySession>();

  function open(settings: RegistrySettings): Registry {
    const key = keyOf(settings);
    const known = handles.get(key);
    if (known) return known;
    const session = openSession(http, settings, retry);
    const registry = ociRegistry(session);
    sessions.set(registry, session);
    handles.set(key, registry);
    const [oldest] = handles.keys();
    if (handles.size > MAX_KEPT_HANDLES && oldest !== undefined) handles.delete(oldest);
    return registry;
  }

  function sessionOf(registry: Registry): RegistrySession {
    const session = sessions.get(registry);
    if (!session) throw new Error(`The registry ${registry.settings.name} was opened by another connector`);
    return session;
  }

  async function copyBlob({ source, target, digest, sizeBytes, ...copy }: BlobCopy): Promise<BlobArrival> {
    refuseInTransaction("Copying a blob");
    const from = { session: sessionOf(source.registry), repository: source.repository };
    const to = { session: sessionOf(target.registry), repository: target.repository };
    return await transferBlob({
      source: from,
      target: to,
      digest,
      sizeBytes,
      mountFrom: copy.mountFrom ?? null,
      onBytes: (count) => copy.onBytes?.(count),
      takePlace: () => slots.acquire([from.session.origin.host, to.session.origin.host], copy.signal),
      tools,
      signal: copy.signal,
    });
  }

  return {
    open,
    copyBlob,
    close: async () => {
      tools.sockets.close();
      await http.close();
    },
  };
}
