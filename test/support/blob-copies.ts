import { createHash } from "node:crypto";
import { createRegistryConnector } from "../../src/connectors/registries/oci-registry-connector.ts";
import type { BlobArrival, Registry, RegistryConnector } from "../../src/connectors/registries/registry.ts";
import { settingsFor } from "./registry-settings.ts";
import { answer, type StandIn, type StandInAnswer, type StandInCall, startStandIn } from "./stand-in.ts";

/** The blob that is copied, and the routes of its way from `team/api` to `prod/api`. */
export const CONTENT = createHash("sha512").update("blob").digest().toString("hex").repeat(4096);
export const SIZE = CONTENT.length;
export const DIGEST = `sha256:${createHash("sha256").update(CONTENT).digest("hex")}`;
export const BLOB = `/v2/team/api/blobs/${DIGEST}`;
export const WANTED = `/v2/prod/api/blobs/${DIGEST}`;
export const UPLOADS = "/v2/prod/api/blobs/uploads/";
export const SESSION = `${UPLOADS}session`;
export const RETRY = { retries: 3, baseMillis: 1, longestWaitMillis: 1000 };

/** Answers of registries that do what they should. */
export const whole = answer(200, { "content-length": String(SIZE) }, CONTENT);
export const begun = answer(202, { location: SESSION });
export const stored = answer(201);
export const forgotten = answer(204);
/** Bytes whose length nobody tells. */
export const chunked =
  (content: string): StandInAnswer =>
  (response) =>
    void response.writeHead(200).end(content);

/** What a server was asked, besides whether it has the blob. */
export const callsOf = (server: StandIn): StandInCall[] =>
  server.calls.filter(({ line }) => !line.startsWith("HEAD "));
export const linesOf = (server: StandIn): string[] => callsOf(server).map(({ line }) => line);

/** Two stand-ins for registries, a third server, and a connector between them. `from` and `to` may be replaced. */
export interface BlobCopies {
  readonly source: StandIn;
  readonly target: StandIn;
  readonly storage: StandIn;
  readonly connector: RegistryConnector;
  from: Registry;
  to: Registry;
  copy(changes?: CopyChanges): Promise<BlobArrival>;
  /** The target takes one upload, which must never become complete, and is told to forget it. */
  expectAbandonedUpload(): void;
  completeUploads(): StandInCall[];
  stop(): Promise<void>;
}

interface CopyChanges {
  readonly onBytes?: (count: number) => void;
  readonly signal?: AbortSignal;
  readonly mountFrom?: string;
}

export async function startBlobCopies(): Promise<BlobCopies> {
  const [source, target, storage] = await Promise.all([startStandIn(), startStandIn(), startStandIn()]);
  const connector = createRegistryConnector({ retry: RETRY });
  target.always(`HEAD ${WANTED}`, answer(404));
  const copies: BlobCopies = {
    source,
    target,
    storage,
    connector,
    from: connector.open(settingsFor({ ...source, requests: [] })),
    to: connector.open(settingsFor({ ...target, requests: [] })),
    copy: (changes = {}) =>
      connector.copyBlob({
        source: { registry: copies.from, repository: "team/api" },
        target: { registry: copies.to, repository: "prod/api" },
        digest: DIGEST,
        sizeBytes: SIZE,
        ...changes,
      }),
    expectAbandonedUpload: () => {
      target.expect(`POST ${UPLOADS}`, begun);
      target.always(`PUT ${SESSION}`, stored);
      target.expect(`DELETE ${SESSION}`, forgotten);
    },
    completeUploads: () => target.calls.filter(({ line, complete }) => line.startsWith("PUT") && complete),
    stop: async () => {
      await connector.close();
      await Promise.all([source.stop(), target.stop(), storage.stop()]);
    },
  };
  return copies;
}
