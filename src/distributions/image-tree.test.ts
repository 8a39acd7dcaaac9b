import { describe, expect, test } from "vitest";
import type { RawManifest, Registry } from "../connectors/registries/registry.ts";
import { digestOf } from "../kernel/digest.ts";
import { loadImageTree } from "./image-tree.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const IMAGE = "application/vnd.oci.image.manifest.v1+json";

/** What a registry would send, without one: limits are about shapes that no real registry has at hand. */
function shelf() {
  const stored = new Map<string, RawManifest>();
  const put = (mediaType: string, body: object) => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...body }));
    const raw = { digest: digestOf(bytes), mediaType, bytes };
    stored.set(raw.digest, raw);
    return { mediaType, digest: raw.digest, size: bytes.length };
  };
  const blob = (seed: string) => ({ mediaType: "application/x", digest: digestOf(seed), size: 1 });
  const vast = () =>
    put(IMAGE, { config: blob("config"), layers: [{ ...blob("vast"), size: Number.MAX_SAFE_INTEGER }] });
  const image = (seed: string, layers = 1, note = "") =>
    put(IMAGE, {
      config: blob(`config ${seed}`),
      layers: Array.from({ length: layers }, (_, at) => blob(`${seed} ${at}`)),
      note,
    });
  const index = (manifests: readonly object[]) => put(INDEX, { manifests });
  const load = ({ digest }: { digest: string }) => {
    const pullManifest = async (_: string, reference: string) => {
      const raw = stored.get(reference);
      if (!raw) throw new Error(`nobody put ${reference} here`);
      return raw;
    };
    const registry = { pullManifest } as unknown as Registry;
    return loadImageTree({ registry, repository: "a/b", reference: digest }, new AbortController().signal);
  };
  return { vast, image, index, load };
}

describe("the manifests of an image", () => {
  test("come with those below first and the root last; shared ones and blobs come once", async () => {
    const { image, index, load } = shelf();
    const [one, two] = [image("one"), image("two")];
    const inner = index([one, two]);
    const root = index([inner, one]);
    const tree = await load(root);
    expect(tree.manifests.map(({ digest }) => digest)).toEqual(
      [one, two, inner, root].map(({ digest }) => digest),
    );
    expect(tree.root.digest).toBe(root.digest);
    expect(tree.blobs).toHaveLength(4);
    expect(tree.manifestBytes).toBe([one, two, inner, root].reduce((sum, { size }) => sum + size, 0));
  });

  test.each([
    [
      "depth",
      "nested deeper than 3",
      ({ image, index }: ReturnType<typeof shelf>) => index([index([index([image("a")])])]),
    ],
    [
      "blobs",
      "more than 1000 blobs",
      ({ image, index }: ReturnType<typeof shelf>) => index([image("a", 600), image("b", 600)]),
    ],
    [
      "manifests",
      "more than 1000 manifests",
      ({ image, index }: ReturnType<typeof shelf>) =>
        index(
          Array.from({ length: 11 }, (_, outer) =>
            index(Array.from({ length: 100 }, (__, at) => image("same", 1, `${outer} ${at}`))),
          ),
        ),
    ],
    ["promised bytes", "says that it has more than", ({ vast }: ReturnType<typeof shelf>) => vast()],
    [
      "bytes",
      "are longer than",
      ({ image, index }: ReturnType<typeof shelf>) =>
        index(Array.from({ length: 6 }, (_, at) => image("same", 1, `${at}`.repeat(3_000_000)))),
    ],
  ])("have a limit of %s", async (_, words, build) => {
    const own = shelf();
    await expect(own.load(build(own))).rejects.toThrow(words);
  });
});
