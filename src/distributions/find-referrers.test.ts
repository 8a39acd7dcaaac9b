import { describe, expect, test } from "vitest";
import type { RawManifest, Registry } from "../connectors/registries/registry.ts";
import { digestOf } from "../kernel/digest.ts";
import type { TaskRun } from "../tasks/task.ts";
import { referrerFinder } from "./find-referrers.ts";
import { loadImageTree } from "./image-tree.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const IMAGE = "application/vnd.oci.image.manifest.v1+json";

interface Put {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
}

/** What a registry would send, without one: limits, and lists that no honest registry has. */
function shelf() {
  const stored = new Map<string, RawManifest>();
  const lists = new Map<string, string[]>();
  const tags = new Map<string, string>();
  const asked: string[] = [];
  const put = (body: object, mediaType = IMAGE): Put => {
    const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, mediaType, ...body }));
    const raw = { digest: digestOf(bytes), mediaType, bytes };
    stored.set(raw.digest, raw);
    return { mediaType, digest: raw.digest, size: bytes.length };
  };
  const blob = (seed: string, size = 7) => ({ mediaType: "application/x", digest: digestOf(seed), size });
  const image = (seed: string, more: object = {}) => put({ config: blob(seed), layers: [], ...more });
  const list = (subject: Put, ...listed: Put[]): void =>
    void lists.set(subject.digest, [
      ...(lists.get(subject.digest) ?? []),
      ...listed.map(({ digest }) => digest),
    ]);
  /** Attaches by the subject, and lists it. */
  const attach = (subject: Put, seed: string, more: object = {}) => {
    const attached = image(seed, { subject, artifactType: "application/sbom", ...more });
    list(subject, attached);
    return attached;
  };
  const tag = (subject: Put, end: string, attached: Put): string => {
    const name = `${subject.digest.replace(":", "-")}.${end}`;
    tags.set(name, attached.digest);
    return name;
  };
  const pullManifest = async (_: string, reference: string): Promise<RawManifest> => {
    const raw = stored.get(reference);
    if (!raw) throw new Error(`nobody put ${reference} here`);
    return raw;
  };
  const registry = {
    pullManifest,
    listReferrers: async (_: string, digest: string) => {
      asked.push(digest);
      return lists.get(digest) ?? [];
    },
    findManifest: async (_: string, name: string) => tags.get(name) ?? null,
  } as unknown as Registry;
  const { signal } = new AbortController();
  const finder = referrerFinder({
    task: { signal } as TaskRun,
    registryOf: async () => registry,
    treeAt: ({ repository, reference }) => loadImageTree({ registry, repository, reference }, signal),
  });
  const find = async ({ digest }: Put) => {
    const tree = await loadImageTree({ registry, repository: "a/b", reference: digest }, signal);
    const found = await finder({ connectionId: null, repository: "a/b" }, tree);
    return found.map(({ referrer }) => referrer);
  };
  return { put, blob, image, list, attach, tag, find, asked };
}

const short = (referrers: Awaited<ReturnType<ReturnType<typeof shelf>["find"]>>) =>
  referrers.map(({ digest, kind, subject, tag }) => ({ digest, kind, subject, tag }));

describe("what is attached to an image", () => {
  test("is found by subject and by cosign's tags, of the index, of its platforms and of what is attached itself", async () => {
    const { put, image, attach, tag, find } = shelf();
    const [amd64, arm64] = [image("amd64"), image("arm64")];
    const root = put({ manifests: [amd64, arm64] }, INDEX);
    const signature = image("signature");
    const attestation = image("attestation");
    const sig = tag(root, "sig", signature);
    const sbom = attach(arm64, "sbom", { layers: [{ ...amd64, mediaType: "application/x", size: 100 }] });
    const att = tag(sbom, "att", attestation);
    const third = attach(attestation, "third");
    const found = await find(root);
    expect(short(found)).toEqual([
      { digest: signature.digest, kind: "cosign-signature", subject: root.digest, tag: sig },
      { digest: sbom.digest, kind: "referrer", subject: arm64.digest, tag: null },
      { digest: attestation.digest, kind: "cosign-attestation", subject: sbom.digest, tag: att },
      { digest: third.digest, kind: "referrer", subject: attestation.digest, tag: null },
    ]);
    expect(found[1]).toMatchObject({
      mediaType: IMAGE,
      artifactType: "application/sbom",
      sizeBytes: sbom.size + 7 + 100,
      copied: false,
    });
  });

  test("is looked for once for all items that name the same image", async () => {
    const { image, attach, find, asked } = shelf();
    const root = image("image");
    attach(root, "sbom");
    expect(await find(root)).toEqual(await find(root));
    expect(asked).toHaveLength(2);
  });

  test("may be an index; what stands under several tags is one thing with several tags", async () => {
    const { put, image, attach, tag, find } = shelf();
    const root = image("image");
    const bundle = put({ manifests: [image("a"), image("b")], subject: root }, INDEX);
    const [sig, att] = [tag(root, "sig", bundle), tag(root, "att", bundle)];
    const sbom = attach(bundle, "sbom");
    expect(short(await find(root))).toEqual([
      { digest: bundle.digest, kind: "cosign-signature", subject: root.digest, tag: sig },
      { digest: sbom.digest, kind: "referrer", subject: bundle.digest, tag: null },
      { digest: bundle.digest, kind: "cosign-attestation", subject: root.digest, tag: att },
    ]);
  });

  test("is not what a list names although it has no subject", async () => {
    const { image, list, find } = shelf();
    const root = image("image");
    list(root, image("listed for its tag"));
    expect(await find(root)).toEqual([]);
  });

  test("is refused when it says that it belongs to something else", async () => {
    const { image, attach, list, find } = shelf();
    const [root, other] = [image("image"), image("other")];
    const stray = attach(other, "sbom");
    list(root, stray);
    await expect(find(root)).rejects.toThrow(
      `The referrer ${stray.digest} of ${root.digest} cannot be copied: it says that it belongs to ${other.digest}`,
    );
  });

  test.each(["sig", "att", "sbom"])("is refused in a circle by way of the tag .%s", async (end) => {
    const { image, tag, find } = shelf();
    const [root, one] = [image("image"), image("one")];
    tag(root, end, one);
    tag(one, end, root);
    await expect(find(root)).rejects.toThrow(`referrers in a circle, by way of ${root.digest}`);
  });

  test("is refused when an image is its own signature", async () => {
    const { image, tag, find } = shelf();
    const root = image("image");
    tag(root, "sig", root);
    await expect(find(root)).rejects.toMatchObject({ code: "REFERRER_NOT_COPIED" });
  });

  test("goes three levels deep, and a fourth is refused rather than left behind", async () => {
    const { image, attach, find } = shelf();
    const root = image("image");
    const third = attach(attach(attach(root, "1"), "2"), "3");
    expect(await find(root)).toHaveLength(3);
    const again = shelf();
    const same = again.image("image");
    const three = again.attach(again.attach(again.attach(same, "1"), "2"), "3");
    expect(three).toEqual(third);
    again.attach(three, "4");
    await expect(again.find(same)).rejects.toThrow(`The image ${root.digest} has more than 3 levels`);
  });

  test("is at most 100 things, in however many branches", async () => {
    const branches = (last: number) => {
      const own = shelf();
      const root = own.image("image");
      for (let at = 0; at < 10; at += 1) {
        const branch = own.attach(root, `branch ${at}`);
        for (let leaf = 0; leaf < (at === 9 ? last : 9); leaf += 1) own.attach(branch, `leaf ${at} ${leaf}`);
      }
      return own.find(root);
    };
    expect(await branches(9)).toHaveLength(100);
    await expect(branches(10)).rejects.toThrow("more than 100 referrers");
  });

  test("may not promise more bytes than a number counts", async () => {
    const { image, attach, blob, find } = shelf();
    const root = image("image");
    for (const seed of ["a", "b", "c"]) attach(root, seed, { layers: [blob(seed, 2 * 1024 ** 4)] });
    await expect(find(root)).rejects.toThrow("bytes of referrers");
  });
});
