import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it } from "vitest";
import { pushTestImage } from "../support/images.ts";
import { describeWith } from "../support/real-parts.ts";
import { startRegistry } from "../support/registries.ts";
import { skopeoManifest, skopeoPull } from "../support/skopeo.ts";

describeWith(["docker-registry", "skopeo"], "the registries and images that other tests stand on", () => {
  it.for([
    ["open", false],
    ["htpasswd", false],
    ["token", false],
    ["open", true],
  ] as const)("skopeo pulls a test image from a registry: %s, tls %s", async ([auth, tls]) => {
    const registry = await startRegistry({ auth, tls });
    const folder = await mkdtemp(join(tmpdir(), "headgate-pull-"));
    try {
      const single = await pushTestImage(registry, "team/api", "1", { format: "docker" });
      const many = await pushTestImage(registry, "team/api", "2", {
        platforms: ["linux/amd64", "linux/arm64"],
      });
      expect(await skopeoManifest(registry, "team/api", ":1")).toEqual(single.top.bytes);
      expect(await skopeoManifest(registry, "team/api", `@${many.top.digest}`)).toEqual(many.top.bytes);
      await skopeoPull(registry, "team/api", ":2", folder);
    } finally {
      await registry.stop();
      await rm(folder, { recursive: true });
    }
  });
});
