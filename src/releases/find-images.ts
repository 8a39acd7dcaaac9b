/** Where an image stands in a document: map keys and list positions, from the root. */
export type YamlPath = readonly (string | number)[];

/** An image of a document; `containerName` is null outside of the containers of a workload. */
export interface FoundImage {
  readonly path: YamlPath;
  readonly containerName: string | null;
  readonly image: string;
}

type Values = Readonly<Record<string, unknown>>;

/** Where each kind of workload keeps its pod. */
const POD_PATHS: Readonly<Record<string, YamlPath>> = {
  Pod: ["spec"],
  Deployment: ["spec", "template", "spec"],
  DaemonSet: ["spec", "template", "spec"],
  StatefulSet: ["spec", "template", "spec"],
  ReplicaSet: ["spec", "template", "spec"],
  Job: ["spec", "template", "spec"],
  CronJob: ["spec", "jobTemplate", "spec", "template", "spec"],
};
const CONTAINER_LISTS = ["initContainers", "containers", "ephemeralContainers"];
/** Their values are somebody's own text, whatever the keys are called. */
const OPAQUE_KINDS = new Set(["ConfigMap", "Secret"]);

/**
 * The images of one Kubernetes object, of any apiVersion: those of the containers of a workload; in other kinds
 * whatever text stands under a key `image`. A List has those of its items; what has no kind has none.
 */
export function findImages(object: unknown, at: YamlPath = []): FoundImage[] {
  if (!isMap(object) || typeof object["kind"] !== "string") return [];
  const { kind, items } = object;
  if (kind === "List" && Array.isArray(items))
    return items.flatMap((item: unknown, index) => findImages(item, [...at, "items", index]));
  const podPath = Object.hasOwn(POD_PATHS, kind) ? POD_PATHS[kind] : undefined;
  if (podPath) return containerImages(valueAt(object, podPath), [...at, ...podPath]);
  return OPAQUE_KINDS.has(kind) ? [] : imageKeys(object, at);
}

function containerImages(pod: unknown, at: YamlPath): FoundImage[] {
  return CONTAINER_LISTS.flatMap((list) => {
    const containers = isMap(pod) ? pod[list] : undefined;
    if (!Array.isArray(containers)) return [];
    return containers.flatMap((container: unknown, index): FoundImage[] => {
      if (!isMap(container)) return [];
      const { name, image } = container;
      if (typeof name !== "string" || typeof image !== "string" || image === "") return [];
      return [{ path: [...at, list, index, "image"], containerName: name, image }];
    });
  });
}

function imageKeys(value: unknown, at: YamlPath): FoundImage[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown, index) => imageKeys(item, [...at, index]));
  if (!isMap(value)) return [];
  return Object.entries(value).flatMap(([key, member]) =>
    key === "image" && typeof member === "string"
      ? [{ path: [...at, key], containerName: null, image: member }]
      : imageKeys(member, [...at, key]),
  );
}

const isMap = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const valueAt = (value: unknown, path: YamlPath): unknown =>
  path.reduce<unknown>((inner, key) => (isMap(inner) ? inner[key] : undefined), value);
