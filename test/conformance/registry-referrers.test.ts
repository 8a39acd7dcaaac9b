import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRegistryConnector } from "../../src/connectors/registries/oci-registry-connector.ts";
import type {
  AttachedManifest,
  Registry,
  RegistryConnector,
} from "../../src/connectors/registries/registry.ts";
import { digestOf } from "../../src/kernel/digest.ts";
import { buildAttached, buildFallbackIndex, fallbackTag, pushAttached } from "../support/attached.ts";
import { buildTestImage, pushTestImage } from "../support/images.ts";
import { describeWith } from "../support/real-parts.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { settingsFor } from "../support/registry-settings.ts";
import { skopeoManifest } from "../support/skopeo.ts";
import { answer, type StandIn, type StandInAnswer, startStandIn } from "../support/stand-in.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const { top } = buildTestImage();
const sboms = ["one", "two", "three"].map((payload) => buildAttached(top, payload));
const [one, two, three] = sboms.map((sbom) => sbom.top.digest);
const REFERRERS = `/v2/team/api/referrers/${top.digest}`;
const TAG = fallbackTag(top.digest);
const FALLBACK = `/v2/team/api/manifests/${TAG}`;
const fast = { retries: 1, baseMillis: 1, longestWaitMillis: 100 };

const index = (...digests: (string | undefined)[]): string =>
  JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: digests.map((digest) => ({ digest })) });
const listed = (body: string, headers: Record<string, string> = {}) =>
  answer(200, { "content-type": INDEX, ...headers }, body);
const unknown = answer(404, {}, '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}');

const attachedBy = (sbom = sboms[0]): AttachedManifest => {
  if (!sbom) throw new Error("no SBOM");
  const annotations = { note: "kept" };
  return { manifest: sbom.top, subject: top.digest, artifactType: "application/spdx+json", annotations };
};

describe("the referrers of a manifest, in registries of all kinds", () => {
  let server: StandIn;
  let connector: RegistryConnector;
  let registry: Registry;

  beforeEach(async () => {
    server = await startStandIn();
    connector = createRegistryConnector({ retry: fast });
    registry = connector.open(settingsFor({ ...server, requests: [] }));
  });
  afterEach(async () => {
    await connector.close();
    await server.stop();
  });

  const list = () => registry.listReferrers("team/api", top.digest);

  describe("listing", () => {
    it("asks the API and follows its pages, relative or not; what stands twice counts once", async () => {
      server.expect(
        `GET ${REFERRERS}`,
        listed(index(one), { link: `<${REFERRERS}?last=1>; rel="next"` }),
        listed(index(two, one), { link: `<http://${server.host}${REFERRERS}?last=2>; rel=next` }),
        listed(index(three), { link: `<${REFERRERS}>; rel="first"` }),
      );
      expect(await list()).toEqual([one, two, three]);
      expect(server.calls.map(({ line }) => line)).toEqual([
        `GET ${REFERRERS}`,
        `GET ${REFERRERS}?last=1`,
        `GET ${REFERRERS}?last=2`,
      ]);
    });

    it.each([
      ["404", answer(404)],
      ["405", answer(405)],
      ["a web page", answer(200, { "content-type": "text/html" }, "<html>Welcome</html>")],
      ["nothing in particular", answer(200)],
    ])("reads the tag in its place where the API answers with %s", async (_, reply) => {
      server.expect(`GET ${REFERRERS}`, reply);
      server.expect(`GET ${FALLBACK}`, listed(index(two)));
      expect(await list()).toEqual([two]);
    });

    it("finds nothing where there is neither", async () => {
      server.expect(`GET ${REFERRERS}`, answer(404));
      server.expect(`GET ${FALLBACK}`, unknown);
      expect(await list()).toEqual([]);
    });

    it("tries a failing API again, then fails: what is attached there is not known", async () => {
      const failing = answer(500, {}, '{"errors":[{"code":"UNKNOWN","message":"disk on fire"}]}');
      server.expect(`GET ${REFERRERS}`, failing, listed(index(one)), failing, failing);
      expect(await list()).toEqual([one]);
      await expect(list()).rejects.toThrow(
        `listing the referrers of team/api@${top.digest} at ${server.host}: UNKNOWN: disk on fire`,
      );
    });

    it.each([
      ["no JSON", "<html>", "the list is not JSON"],
      ["no list", '{"manifests":{}}', "the list is not valid: manifests"],
      ["a name instead of a digest", '{"manifests":[{"digest":"latest"}]}', "manifests.0.digest"],
      ["10,000 entries", index(...Array.from({ length: 10_000 }, (_, at) => digestOf(`${at}`))), "manifests"],
    ])("refuses %s under the type of a list", async (_, body, words) => {
      server.expect(`GET ${REFERRERS}`, listed(body));
      await expect(list()).rejects.toThrow(words);
    });

    it("refuses an answer that is longer than 4 MiB", async () => {
      server.expect(`GET ${REFERRERS}`, listed(`${" ".repeat(4 * 1024 * 1024)}${index(one)}`));
      await expect(list()).rejects.toThrow("longer than 4194304 bytes");
    });

    it("refuses 1,001 entries on several pages", async () => {
      const page = (from: number, count: number) =>
        index(...Array.from({ length: count }, (_, at) => digestOf(`${from + at}`)));
      const more = { link: `<${REFERRERS}?more>; rel="next"` };
      server.expect(`GET ${REFERRERS}`, listed(page(0, 600), more), listed(page(600, 401), more));
      await expect(list()).rejects.toThrow("the list has more than 1000 entries");
    });

    it("refuses pages that lead to one another for ever", async () => {
      server.always(`GET ${REFERRERS}`, listed(index(one), { link: `<${REFERRERS}>; rel="next"` }));
      await expect(list()).rejects.toThrow("the list has more than 100 pages");
      expect(server.calls).toHaveLength(100);
    });

    it("refuses an image where the list should be", async () => {
      server.expect(`GET ${REFERRERS}`, answer(404));
      server.expect(`GET ${FALLBACK}`, answer(200, { "content-type": top.mediaType }, top.bytes));
      await expect(list()).rejects.toThrow(`there is a ${top.mediaType} instead of an index`);
    });
  });

  describe("attaching", () => {
    const put = `PUT /v2/team/api/manifests/${one}`;
    const pushed = answer(201, { "docker-content-digest": one ?? "" });
    /** What is under the tag; null: nothing. `overwrites` is what others write right after us, in this order. */
    let held: string | null;
    let overwrites: string[];
    const read: StandInAnswer = (...call) => (held === null ? unknown : listed(held))(...call);
    const write: StandInAnswer = (response, request) => {
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => void chunks.push(chunk));
      request.on("end", () => {
        const body = Buffer.concat(chunks);
        held = overwrites.shift() ?? body.toString();
        response.writeHead(201, { "docker-content-digest": digestOf(body) }).end();
      });
    };
    const written = () => server.calls.filter(({ line }) => line === `PUT ${FALLBACK}`).length;
    beforeEach(() => {
      [held, overwrites] = [null, []];
      server.expect(put, pushed);
      server.always(`GET ${FALLBACK}`, read);
      server.always(`PUT ${FALLBACK}`, write);
    });

    const push = () => registry.pushReferrer("team/api", attachedBy());

    it("begins a list under the tag where there is none", async () => {
      await push();
      expect(JSON.parse(held ?? "")).toEqual({
        schemaVersion: 2,
        mediaType: INDEX,
        manifests: [
          {
            mediaType: sboms[0]?.top.mediaType,
            digest: one,
            size: sboms[0]?.top.bytes.length,
            artifactType: "application/spdx+json",
            annotations: { note: "kept" },
          },
        ],
      });
    });

    it("keeps what the list has, also what we have no use for", async () => {
      const entry = { digest: two, size: 3, mediaType: "x", platform: { os: "none" }, urls: ["https://a"] };
      const before = { schemaVersion: 2, mediaType: INDEX, manifests: [entry], annotations: { theirs: "1" } };
      held = JSON.stringify(before);
      await push();
      const after = { ...before, manifests: [entry, expect.objectContaining({ digest: one })] };
      expect(JSON.parse(held)).toEqual(after);
    });

    it("writes nothing when the list has it", async () => {
      held = index(two, one);
      await push();
      expect(written()).toBe(0);
    });

    it("reads back what it wrote, and writes again when somebody has overwritten it", async () => {
      held = index(two);
      overwrites = [index(two, three), index(three)];
      await push();
      expect(written()).toBe(3);
      const digests = (JSON.parse(held) as { manifests: { digest: string }[] }).manifests;
      expect(digests.map(({ digest }) => digest)).toEqual([three, one]);
    });

    it("gives up when others overwrite it again and again", async () => {
      server.expect(put, pushed);
      overwrites = Array.from({ length: 20 }, () => index(two));
      await expect(push()).rejects.toThrow(`in team/api:${TAG} at ${server.host}: others overwrote the list`);
    });

    it("leaves alone what stands under the tag and is no list", async () => {
      server.always(`GET ${FALLBACK}`, answer(200, { "content-type": top.mediaType }, top.bytes));
      await expect(push()).rejects.toThrow(`there is a ${top.mediaType} instead of an index`);
      expect(written()).toBe(0);
    });

    it("does not let two of its own overwrite one another", async () => {
      const others = sboms.slice(1).map((sbom) => {
        server.expect(
          `PUT /v2/team/api/manifests/${sbom.top.digest}`,
          answer(201, { "docker-content-digest": sbom.top.digest }),
        );
        return registry.pushReferrer("team/api", attachedBy(sbom));
      });
      await Promise.all([push(), ...others]);
      expect(written()).toBe(3);
      expect((JSON.parse(held ?? "") as { manifests: unknown[] }).manifests).toHaveLength(3);
    });
  });

  it("attaching is one request where the registry keeps the list itself, and says so", async () => {
    const headers = { "docker-content-digest": one ?? "", "oci-subject": top.digest };
    server.expect(`PUT /v2/team/api/manifests/${one}`, answer(201, headers));
    await registry.pushReferrer("team/api", attachedBy());
    expect(server.calls).toHaveLength(1);
  });
});

describeWith(
  ["docker-registry", "skopeo"],
  "the referrers of a manifest, in a registry without the API",
  () => {
    let real: TestRegistry;
    let connector: RegistryConnector;
    let registry: Registry;
    beforeEach(async () => {
      real = await startRegistry({ auth: "token" });
      connector = createRegistryConnector({ retry: fast });
      registry = connector.open(settingsFor(real));
      await pushTestImage(real, "team/api", "1");
    });
    afterEach(async () => {
      await connector.close();
      await real.stop();
    });

    it("are listed under the tag, by others and by us, and skopeo reads the list", async () => {
      expect(await registry.listReferrers("team/api", top.digest)).toEqual([]);
      const [first, second] = sboms;
      if (!first || !second) throw new Error("no SBOMs");
      await pushAttached(real, "team/api", top, [first], { fallback: true });
      expect(await registry.listReferrers("team/api", top.digest)).toEqual([one]);
      await pushAttached(real, "team/api", top, [second], { fallback: false });
      await registry.pushReferrer("team/api", attachedBy(second));
      expect(await registry.listReferrers("team/api", top.digest)).toEqual([one, two]);
      const list = JSON.parse((await skopeoManifest(real, "team/api", `:${TAG}`)).toString()) as object;
      const theirs = JSON.parse(buildFallbackIndex(first).bytes.toString()) as { manifests: object[] };
      expect(list).toMatchObject({ manifests: [theirs.manifests[0], { digest: two }] });
    });
  },
);
