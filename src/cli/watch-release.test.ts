import { once } from "node:events";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { answer, startStandIn, type StandIn, type StandInAnswer } from "../../test/support/stand-in.ts";
import { createClient } from "../api/client.ts";
import type { DistributionReply, ReleaseLine } from "../api/contract/releases.ts";
import type { DistributionProgress } from "../distributions/distribution-progress.ts";
import { eventText } from "../kernel/event-stream.ts";
import { watchRelease } from "./watch-release.ts";

const [ID, RELEASE, ITEM] = ["1", "2", "3"].map((digit) => digit.repeat(24)) as [string, string, string];
const LAYER = `sha256:${"a".repeat(64)}`;
const LOOK = `GET /v1/releases/${RELEASE}/distributions/${ID}`;
const STREAM = "GET /v1/projects/shop/live";

type Status = DistributionReply["status"];

const item = {
  id: ITEM,
  serviceName: "api",
  containerName: "main",
  pinnedDigest: null as string | null,
  status: "copying" as const,
  error: "",
  totalBytes: 0,
  movedBytes: 0,
  blobs: [] as string[],
};
const distribution = {
  id: ID,
  releaseId: RELEASE,
  version: "1",
  error: "",
  attempt: 1,
  totalBytes: 100,
  verifiedBytes: 0,
  movingBytes: 0,
  bytesPerSecond: null,
  secondsLeft: null,
  totalItems: 1,
  verifiedItems: 0,
};

/** What the server answers of the distribution, as it goes over the wire. */
const reply = (status: Status): StandInAnswer => {
  const image = {
    imageName: "api",
    sourceImage: "s:1",
    sourceTag: "1",
    targetImage: "t:1",
    targetTag: "1",
    push: true,
    pinnedAt: null,
    pinProblem: null,
    pinnedReference: null,
    verifiedDigest: null,
    referrers: [],
  };
  const items = [{ ...item, ...image }];
  const body = {
    ...distribution,
    status,
    project: "shop",
    blobs: [],
    createdAt: new Date(0),
    endedAt: null,
    items,
  };
  return answer(200, { "content-type": "application/json" }, JSON.stringify(body));
};

const progress = (
  movingBytes: number,
  status: Status,
  parts: Partial<DistributionProgress>,
): DistributionProgress => ({ ...distribution, movingBytes, status, items: [], blobs: [], ...parts });
const layer = (movedBytes: number): DistributionProgress["blobs"] => [
  { digest: LAYER, sizeBytes: 100, movedBytes, state: "moving" },
];
const whole = (movedBytes: number, status: Status): DistributionProgress =>
  progress(movedBytes, status, {
    items: [{ ...item, pinnedDigest: LAYER, totalBytes: 100, movedBytes, blobs: [LAYER] }],
    blobs: layer(movedBytes),
  });
const told = (data: DistributionProgress): string => eventText({ event: "progress", data });

/** Answers as a stream that says this and stays open, or breaks off. */
const streamOf =
  (texts: readonly string[], breaks = false): StandInAnswer =>
  (response) => {
    response.writeHead(200, { "content-type": "text/event-stream" });
    response.write(texts.join(""), () => {
      if (breaks) response.destroy();
    });
  };

describe("the watcher of a release", () => {
  let server: StandIn;
  beforeEach(async () => {
    server = await startStandIn();
  });
  afterEach(() => server.stop());

  const watch = async (): Promise<DistributionReply[]> => {
    const shown: DistributionReply[] = [];
    const client = createClient({ url: `http://${server.host}`, token: "t" });
    const release = { id: RELEASE, project: "shop", version: "1", distribution: { id: ID } } as ReleaseLine;
    await watchRelease(client, release, { show: (one) => void shown.push(one) });
    return shown;
  };

  it("shows what the live stream tells, whole at first and then what has changed, and looks once more at the end", async () => {
    const changes = progress(60, "creating", { blobs: layer(60) });
    const end = progress(0, "success", { verifiedItems: 1 });
    server.expect(LOOK, reply("creating"), reply("success"));
    server.expect(
      STREAM,
      streamOf([": heartbeat\n\n", told(whole(40, "creating")), told(changes), told(end)]),
    );
    const shown = await watch();
    expect(shown.map(({ status, movingBytes }) => [status, movingBytes])).toEqual([
      ["creating", 0],
      ["creating", 40],
      ["creating", 60],
      ["success", 0],
      ["success", 0],
    ]);
    expect(shown[2]).toMatchObject({
      blobs: [{ digest: LAYER, movedBytes: 60 }],
      items: [{ sourceImage: "s:1", pinnedDigest: LAYER, movedBytes: 40, blobs: [LAYER] }],
    });
    const [, stream] = server.calls;
    expect(stream?.line).toBe(`${STREAM}?release=${RELEASE}`);
    expect(stream?.headers).toMatchObject({ authorization: "Bearer t", accept: "text/event-stream" });
  });

  it("comes back to a stream that breaks off, and looks meanwhile", async () => {
    server.expect(LOOK, reply("creating"), reply("creating"), reply("success"));
    server.expect(
      STREAM,
      streamOf([told(whole(40, "creating"))], true),
      streamOf([told(whole(70, "creating")), told(progress(0, "success", {}))]),
    );
    expect((await watch()).map(({ movingBytes }) => movingBytes)).toEqual([0, 40, 0, 70, 0, 0]);
  });

  it.each([
    ["is unknown to the server", answer(404, {}, "not here")],
    ["is refused", answer(429, {}, "too many")],
    ["says nothing that it understands", streamOf([eventText({ event: "progress", data: { id: 7 } })])],
    ["is held back on its way", () => undefined],
  ] satisfies [string, StandInAnswer][])("asks again and again where the stream %s", async (_, stream) => {
    server.expect(LOOK, reply("creating"), reply("creating"), reply("creating"), reply("success"));
    server.expect(STREAM, stream);
    const shown = await watch();
    expect(shown.map(({ status }) => status)).toEqual(["creating", "creating", "creating", "success"]);
  });

  it("says why a copy failed, and leaves the stream", async () => {
    const gone = Promise.withResolvers<unknown>();
    server.expect(LOOK, reply("creating"), reply("failed"));
    server.expect(STREAM, (response, request, call) => {
      gone.resolve(once(response, "close"));
      streamOf([told(whole(1, "creating")), told(progress(0, "failed", { error: "denied" }))])(
        response,
        request,
        call,
      );
    });
    await expect(watch()).rejects.toThrow("release 1 of shop failed");
    await gone.promise;
  });
});
