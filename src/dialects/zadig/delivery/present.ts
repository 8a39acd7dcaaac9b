import { createHash } from "node:crypto";
import { countSteps, type Distribution } from "../../../distributions/distribution.ts";
import { toUnixSeconds } from "../../../kernel/time.ts";
import type { ReleaseContent, ReleaseManifest } from "../../../releases/release-content.ts";
import { imageToRun, type ReleaseItem } from "../../../releases/release-item.ts";
import type { ReleaseSummary, ReleaseView } from "../../../releases/release-view.ts";
import { IMAGE_STATUS_WORDS, SOURCE_WORDS, STATUS_WORDS, TYPE_WORDS } from "./words.ts";

/** How far the copy is, as Zadig counts it: images to push, and those of them that are done (notes 1.5). */
function progressOf(
  distribution: Distribution,
  counts: { readonly verified: number; readonly total: number },
) {
  const { verified, total } = counts;
  const under = verified < total ? "waiting" : "uploading";
  const words = {
    success: "success",
    failed: "failed",
    cancelled: "failed",
    creating: under,
    retrying: under,
  };
  return {
    success_count: verified,
    total_count: total,
    upload_status: words[distribution.status],
    error: distribution.error,
  };
}

const headOf = (content: ReleaseContent, distribution: Distribution) => ({
  id: content.id,
  version_name: content.version,
  type: TYPE_WORDS[content.packaging],
  source: SOURCE_WORDS[content.source],
  status: STATUS_WORDS[distribution.status],
  labels: content.labels,
  description: content.description,
  created_by: content.createdBy,
  create_time: toUnixSeconds(content.createdAt),
});

/** One line of the list: the seed's example and its table disagree on `create_time`, so both names are sent. */
export const presentLine = (summary: ReleaseSummary) => ({
  ...headOf(summary.content, summary.distribution),
  progress: progressOf(summary.distribution, summary),
  created_time: toUnixSeconds(summary.content.createdAt),
});

/** The parts of a detail: flat fields of the seed's tables, objects of its examples, names of later Zadig. */
export function presentDetail(view: ReleaseView) {
  const services = view.content.manifests.map((manifest) => presentService(view, manifest));
  return {
    flat: presentFlat(view, services),
    legacy: presentLegacy(view),
    v4: presentV4(view, services),
  };
}

type Services = readonly ReturnType<typeof presentService>[];

function presentFlat({ content, distribution, projectKey }: ReleaseView, services: Services) {
  const { create_time: createdTime, ...head } = headOf(content, distribution);
  return {
    ...head,
    project_key: projectKey,
    env_name: content.environmentName,
    production: content.production,
    error: distribution.error,
    image_registry_id: content.targetConnectionId ?? "",
    chart_repo_name: "",
    services,
    created_time: createdTime,
  };
}

function presentLegacy({ content, distribution }: ReleaseView) {
  const { source: _source, ...head } = headOf(content, distribution);
  const registryId = content.targetConnectionId ?? "";
  return {
    version_info: { ...head, progress: progressOf(distribution, countSteps(distribution.steps)) },
    deploy_infos: content.items.map((item) => ({
      id: rowId(content.id, item),
      service_name: item.serviceName,
      service_module: item.containerName,
      image: imageToRun(item),
      image_name: item.imageName,
      registry_id: registryId,
      create_time: toUnixSeconds(content.createdAt),
    })),
    distribute_infos: [],
  };
}

function presentV4({ content, distribution, projectKey }: ReleaseView, services: Services) {
  return {
    version: content.version,
    project_name: projectKey,
    env_name: content.environmentName,
    production: content.production,
    type: TYPE_WORDS[content.packaging],
    source: SOURCE_WORDS[content.source],
    desc: content.description,
    labels: content.labels,
    image_registry_id: content.targetConnectionId ?? "",
    chart_repo_name: "",
    services,
    status: STATUS_WORDS[distribution.status],
    error: distribution.error,
    created_by: content.createdBy,
    created_at: toUnixSeconds(content.createdAt),
    deleted_at: 0,
  };
}

function presentService(view: ReleaseView, manifest: ReleaseManifest) {
  return {
    service_name: manifest.serviceName,
    chart_name: "",
    original_chart_version: "",
    chart_version: "",
    chart_status: "",
    yaml_content: manifest.wireYaml ?? manifest.receivedYaml,
    images: view.content.items
      .filter((item) => item.serviceName === manifest.serviceName)
      .map((item) => presentImage(view, item)),
    error: "",
  };
}

function presentImage({ distribution }: ReleaseView, item: ReleaseItem) {
  const step = distribution.steps.find((one) => one.itemId === item.id);
  return {
    container_name: item.containerName,
    image_name: item.imageName,
    source_image: item.sourceImage,
    source_image_tag: item.sourceTag,
    target_image: item.targetImage,
    target_image_tag: item.targetTag,
    image_path: null,
    push_image: item.push,
    status: IMAGE_STATUS_WORDS[step?.status ?? "not_needed"],
    error: step?.error ?? "",
  };
}

/** A stable id for a row that Zadig stored and we derive. */
const rowId = (contentId: string, item: ReleaseItem): string =>
  createHash("sha256")
    .update(JSON.stringify([contentId, item.serviceName, item.containerName]))
    .digest("hex")
    .slice(0, 24);
