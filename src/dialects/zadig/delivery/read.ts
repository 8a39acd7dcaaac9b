import type { ReleaseSource } from "../../../releases/release-content.ts";
import type { CreateRelease } from "../../../releases/prepare-release.ts";
import type { CreateK8sBody } from "./wire.ts";

/** Zadig's words for where a version comes from, and ours. */
const SOURCES = {
  manual: "manual",
  from_env: "environment",
  from_version: "release",
} as const satisfies Record<CreateK8sBody["source"], ReleaseSource>;

/** The create body as input of the use case. `userName` is shown with the mark that Zadig adds. */
export function readCreate(body: CreateK8sBody, userName: string): CreateRelease {
  return {
    projectKey: body.project_key,
    version: body.version_name,
    source: SOURCES[body.source],
    originalVersion:
      body.source === "from_version" && body.original_version_name !== "" ? body.original_version_name : null,
    environmentName: body.env_name,
    production: body.production,
    description: body.desc,
    labels: body.labels,
    targetConnectionId: body.image_registry_id === "" ? null : body.image_registry_id,
    withReferrers: null,
    createdBy: `${userName}(OpenAPI)`,
    services: body.services.map((service) => ({
      name: service.service_name,
      yaml: service.yaml_content,
      images: service.images.map((image) => ({
        containerName: image.container_name,
        imageName: image.image_name,
        sourceImage: image.source_image,
        sourceTag: image.source_image_tag,
        targetImage: image.target_image,
        targetTag: image.target_image_tag,
        push: image.push_image,
      })),
    })),
  };
}
