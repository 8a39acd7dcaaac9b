import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { digestOf } from "../../src/kernel/digest.ts";
import { newId } from "../../src/kernel/id.ts";
import type { Database } from "../../src/storage/database.ts";
import { openFileStorage } from "../../src/storage/file-storage.ts";
import { testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { buildTestImage, type TestImage } from "../support/images.ts";
import { type Reply, startRegistryInside, type TestRegistryInside } from "../support/registry-inside.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const OCI_IMAGE = "application/vnd.oci.image.manifest.v1+json";

eachEngine((engine) => {
  describe("manifests that a release pins", () => {
    let db: Database;
    let registry: TestRegistryInside;
    const tidy: (() => Promise<void>)[] = [];

    afterAll(async () => {
      for (const step of tidy.toReversed()) await step();
    });

    const pushImage = async (repository: string, image: TestImage): Promise<void> => {
      for (const blob of image.blobs) await registry.pushBlob(repository, blob.bytes);
      for (const one of image.manifests) await registry.pushManifest(repository, one.digest, one);
      expect((await registry.pushManifest(repository, "1.0", image.top)).status).toBe(201);
    };
    const remove = (repository: string, reference: string, token = registry.tokens.admin): Promise<Reply> =>
      registry.send("DELETE", `/v2/${repository}/manifests/${reference}`, { token });

    const pin = async (repository: string, digest: string, version: string): Promise<string> => {
      const now = Date.now();
      const { id: project_id } = await db
        .selectFrom("projects")
        .select("id")
        .where("key", "=", "shop")
        .executeTakeFirstOrThrow();
      const [releaseId, contentId] = [newId(new Date()), newId(new Date())];
      const release = { id: releaseId, project_id, version, stage: "draft", created_at: now };
      await db.insertInto("releases").values(release).execute();
      await db
        .insertInto("release_contents")
        .values({
          id: contentId,
          release_id: releaseId,
          project_id,
          version,
          packaging: "manifests",
          source: "manual",
          environment_name: "",
          production: 0,
          original_content_id: null,
          description: "",
          labels_json: "[]",
          target_connection_id: null,
          wire_extras_json: "{}",
          created_by: "test",
          created_at: now,
          deleted_at: null,
        })
        .execute();
      await db
        .insertInto("release_items")
        .values({
          id: newId(new Date()),
          content_id: contentId,
          service_name: "api",
          position: 0,
          container_name: "api",
          image_name: "api",
          source_image: "",
          source_tag: "",
          target_image: "",
          target_tag: "",
          push: 1,
          source_connection_id: "outside",
          source_repository: "elsewhere",
          target_connection_id: "inside",
          target_repository: repository,
          source_digest: null,
          pinned_digest: digest,
          pinned_at: now,
          pin_problem: null,
        })
        .execute();
      return contentId;
    };
    const unpin = (contentId: string) =>
      db.updateTable("release_contents").set({ deleted_at: 1 }).where("id", "=", contentId).execute();

    beforeAll(async () => {
      ({ db } = await engine.open());
      const folder = await temporaryDirectory();
      registry = await startRegistryInside(testContext(db, { files: await openFileStorage(folder.path) }));
      tidy.push(folder.remove, registry.stop);
      const connection = { host: "", namespace: "", provider: "native", region: "", kind: "registry" };
      const flags = { is_default: 0, plain_http: 1, allow_private: 1, all_projects: 1 };
      const rest = { ca_pem: null, username: null, sealed_password: null, token_hosts_json: "[]" };
      for (const [id, built_in] of [
        ["inside", 1],
        ["outside", 0],
      ] as const)
        await db
          .insertInto("connections")
          .values({
            id,
            name: id,
            ...connection,
            ...flags,
            ...rest,
            built_in,
            created_at: 0,
            updated_at: 0,
          })
          .execute();
    });

    it("are not deleted until the release is; the refusal names it", async () => {
      const image = buildTestImage({ seed: "pinned" });
      const { top } = image;
      await pushImage("shop/pinned", image);
      const contentId = await pin("shop/pinned", top.digest, "v7.1");
      const refused = await remove("shop/pinned", top.digest);
      expect(refused).toMatchObject({ status: 403, error: "DENIED" });
      expect(refused.text).toContain("The release v7.1 of the project shop");
      expect(await remove("shop/pinned", "1.0")).toMatchObject({ status: 202 });
      const pulled = await registry.send("GET", `/v2/shop/pinned/manifests/${top.digest}`);
      expect(pulled.status).toBe(200);
      await unpin(contentId);
      expect(await remove("shop/pinned", top.digest)).toMatchObject({ status: 202 });
    });

    it("cover the manifests under a pinned index, in that repository alone", async () => {
      const image = buildTestImage({ seed: "pinned index", platforms: ["linux/amd64", "linux/arm64"] });
      for (const repository of ["shop/multi", "shop/copy"]) await pushImage(repository, image);
      await pin("shop/multi", image.top.digest, "v7.2");
      const child = image.manifests[0]?.digest ?? "";
      expect(await remove("shop/multi", child)).toMatchObject({ status: 403, error: "DENIED" });
      expect(await remove("shop/multi", image.top.digest)).toMatchObject({ status: 403 });
      expect(await remove("shop/copy", image.top.digest)).toMatchObject({ status: 202 });
      expect(await remove("shop/copy", child)).toMatchObject({ status: 202 });
    });

    it("are told without the release's name to those who may not see it", async () => {
      const { outsider } = registry.tokens;
      const blob = await registry.pushBlob("other/app", "{}", outsider);
      const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest: blob, size: 2 };
      const bytes = Buffer.from(JSON.stringify({ schemaVersion: 2, config, layers: [] }));
      const top = { mediaType: OCI_IMAGE, bytes, digest: digestOf(bytes) };
      await registry.pushManifest("other/app", "1", top, outsider);
      await pin("other/app", top.digest, "v7.3");
      const refused = await remove("other/app", top.digest, outsider);
      expect(refused).toMatchObject({ status: 403, error: "DENIED" });
      expect(refused.text).not.toContain("v7.3");
    });
  });
});
