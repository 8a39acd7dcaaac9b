import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { openFileStorage } from "../../src/storage/file-storage.ts";
import { testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { pushTestImage, type TestImageOptions } from "../support/images.ts";
import { describeWith } from "../support/real-parts.ts";
import { startRegistryInside, type TestRegistryInside } from "../support/registry-inside.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { skopeo, skopeoAccess, skopeoManifest, skopeoPull } from "../support/skopeo.ts";

const IMAGES: Readonly<Record<string, TestImageOptions>> = {
  docker: { format: "docker", seed: "docker" },
  oci: { format: "oci", seed: "oci" },
  "docker-list": { format: "docker", seed: "docker list", platforms: ["linux/amd64", "linux/arm64"] },
  "oci-index": { format: "oci", seed: "oci index", platforms: ["linux/amd64", "linux/arm64", "linux/s390x"] },
  big: { format: "oci", seed: "big", layers: [{ seed: "big", sizeBytes: 20_000_000 }] },
};

eachEngine((engine) => {
  describeWith(["docker-registry", "skopeo"], "skopeo and the registry inside", () => {
    let inside: TestRegistryInside;
    let outside: TestRegistry;
    let folder: string;

    beforeAll(async () => {
      const { db } = await engine.open();
      folder = await mkdtemp(join(tmpdir(), "headgate-skopeo-"));
      const files = await openFileStorage(join(folder, "files"));
      inside = await startRegistryInside(testContext(db, { files }));
      outside = await startRegistry({ auth: "open" });
    });
    afterAll(async () => {
      await inside.stop();
      await outside.stop();
      await rm(folder, { recursive: true, force: true });
    });

    const address = (token: string) => ({ host: inside.host, username: "any", password: token });
    const copy = (from: string, to: string, ...flags: string[]) =>
      skopeo("copy", "--all", "--preserve-digests", ...flags, from, to);

    for (const [name, options] of Object.entries(IMAGES))
      it(`pushes and pulls an image as it is: ${name}`, async () => {
        const { releaser, viewer } = inside.tokens;
        const image = await pushTestImage(outside.host, `source/${name}`, "1.0", options);
        await copy(
          `docker://${outside.host}/source/${name}:1.0`,
          `docker://${inside.host}/shop/${name}:1.0`,
          "--src-tls-verify=false",
          ...skopeoAccess(address(releaser), "dest-"),
        );
        const raw = await skopeoManifest(address(viewer), `shop/${name}`, ":1.0");
        expect(raw.equals(image.top.bytes)).toBe(true);
        const pulled = join(folder, name);
        await skopeoPull(address(viewer), `shop/${name}`, `@${image.top.digest}`, pulled);
        const content = new Set(await readdir(pulled));
        for (const { digest, bytes } of image.blobs) {
          expect(content).toContain(digest.slice("sha256:".length));
          const stored = await readFile(join(pulled, digest.slice("sha256:".length)));
          expect(stored.equals(bytes)).toBe(true);
        }
        const pushedBack = `again/${name}`;
        await copy(
          `dir:${pulled}`,
          `docker://${inside.host}/shop/${pushedBack}:1.0`,
          ...skopeoAccess(address(releaser), "dest-"),
        );
        const again = await skopeoManifest(address(viewer), `shop/${pushedBack}`, ":1.0");
        expect(again.equals(image.top.bytes)).toBe(true);
      });

    it("copies within the registry, lists tags and deletes", async () => {
      const { admin, releaser, viewer } = inside.tokens;
      const image = await pushTestImage(address(releaser), "shop/from", "1.0", { seed: "within" });
      await copy(
        `docker://${inside.host}/shop/from:1.0`,
        `docker://${inside.host}/shop/to:2.0`,
        ...skopeoAccess(address(releaser), "src-"),
        ...skopeoAccess(address(releaser), "dest-"),
      );
      const flags = skopeoAccess(address(viewer));
      const listed = await skopeo("list-tags", ...flags, `docker://${inside.host}/shop/to`);
      expect(JSON.parse(listed.toString())).toMatchObject({ Tags: ["2.0"] });
      await skopeo("delete", ...skopeoAccess(address(admin)), `docker://${inside.host}/shop/to:2.0`);
      await expect(skopeoManifest(address(viewer), "shop/to", ":2.0")).rejects.toThrow(
        /manifest unknown|has no/,
      );
      const raw = await skopeoManifest(address(viewer), "shop/from", ":1.0");
      expect(raw.equals(image.top.bytes)).toBe(true);
    });

    it("is refused what its token's owner may not do", async () => {
      const { outsider, releaser, viewer } = inside.tokens;
      await pushTestImage(address(releaser), "shop/private", "1.0", { seed: "private" });
      const push = (token: string, repository: string) =>
        copy(
          `docker://${inside.host}/shop/private:1.0`,
          `docker://${inside.host}/${repository}:1.0`,
          ...skopeoAccess(address(releaser), "src-"),
          ...skopeoAccess(address(token), "dest-"),
        );
      await expect(push(viewer, "shop/stolen")).rejects.toThrow(/denied|needs the role/);
      await expect(push(releaser, "other/stolen")).rejects.toThrow(/name unknown|no repository/);
      await expect(skopeoManifest(address(outsider), "shop/private", ":1.0")).rejects.toThrow(
        /name unknown|no repository/,
      );
      const wrong = { host: inside.host, username: "any", password: "hg_wrong" };
      await expect(skopeoManifest(wrong, "shop/private", ":1.0")).rejects.toThrow(/unauthorized|token/);
    });
  });
});
