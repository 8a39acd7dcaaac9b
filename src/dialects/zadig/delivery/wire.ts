import * as z from "zod";
import { ServiceName } from "../../../projects/service.ts";
import { Version } from "../../../releases/release.ts";

/**
 * Request bodies and queries of Zadig's version management (seed "Version Management" v3.4; notes 1.4 to 1.9).
 * As in Zadig's own decoder, a field that is missing or null has its zero value, and unknown fields are ignored.
 */
const text = (max: number) =>
  z
    .string()
    .max(max, `must have at most ${max} characters`)
    .nullish()
    .transform((value) => value ?? "");
const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false);
const list = <Item extends z.ZodType>(item: Item, max: number) =>
  z
    .array(item)
    .max(max, `must have at most ${max} entries`)
    .nullish()
    .transform((value) => value ?? []);

const NAME_MAX = 256;
const REFERENCE_MAX = 512;
const YAML_MAX = 1024 * 1024;

const ImageBody = z.object({
  container_name: text(NAME_MAX),
  image_name: text(NAME_MAX),
  source_image: text(REFERENCE_MAX),
  source_image_tag: text(128),
  target_image: text(REFERENCE_MAX),
  target_image_tag: text(128),
  push_image: flag,
});

const ServiceBody = z.object({
  service_name: ServiceName,
  yaml_content: text(YAML_MAX),
  images: list(ImageBody, 500),
});

/** POST /openapi/delivery/releases/k8s */
export const CreateK8sBody = z.object({
  project_key: z.string().min(1, "must not be empty").max(NAME_MAX),
  version_name: Version,
  source: z
    .enum(["manual", "from_env", "from_version", ""])
    .nullish()
    .transform((value) => value || "manual"),
  original_version_name: text(128),
  env_name: text(NAME_MAX),
  production: flag,
  desc: text(8192),
  labels: list(z.string().max(128, "must have at most 128 characters"), 100),
  image_registry_id: text(64),
  services: list(ServiceBody, 500),
});
export type CreateK8sBody = z.output<typeof CreateK8sBody>;

/** POST /openapi/delivery/releases/retry: the seed says body, Zadig reads the query; both are taken, body first. */
export const RetryFields = z.object({
  id: text(64),
  projectKey: text(NAME_MAX),
  project_key: text(NAME_MAX),
});
