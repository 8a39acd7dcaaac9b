import * as z from "zod";
import { Digest } from "../kernel/digest.ts";
import { DomainError } from "../kernel/errors.ts";
import { storageProblem } from "../kernel/storable.ts";

/** Limits of one manifest: 4 MiB of text, 1,000 things it names. */
export const MANIFEST_MAX_BYTES = 4 * 1024 * 1024;
const MAX_DESCRIPTORS = 1000;

/** Kinds of manifest by media type (OCI image spec 1.1; docker image manifest v2, schema 2). */
const KINDS: ReadonlyMap<string, ManifestKind> = new Map([
  ["application/vnd.oci.image.manifest.v1+json", "image"],
  ["application/vnd.oci.image.index.v1+json", "index"],
  ["application/vnd.docker.distribution.manifest.v2+json", "image"],
  ["application/vnd.docker.distribution.manifest.list.v2+json", "index"],
]);
export type ManifestKind = "image" | "index";

/** Annotations stand in lists too, many of them at once. */
const MAX_ANNOTATIONS_BYTES = 64 * 1024;
const Annotations = z
  .record(z.string().max(1024), z.string())
  .refine(
    (all) => JSON.stringify(all).length <= MAX_ANNOTATIONS_BYTES,
    `must have ${MAX_ANNOTATIONS_BYTES} characters at most, all together`,
  );

/** Something that a manifest names: its digest, its size in bytes and what it is. */
export const Descriptor = z.object({
  mediaType: z.string().min(1).max(255),
  digest: Digest,
  size: z.int().min(0),
  artifactType: z.string().max(255).optional(),
  annotations: Annotations.nullish(),
});
export type Descriptor = z.output<typeof Descriptor>;

/** An image manifest or an index, of either family. What one kind has not is empty or null in the other. */
export interface Manifest {
  readonly kind: ManifestKind;
  readonly mediaType: string;
  readonly config: Descriptor | null;
  readonly layers: readonly Descriptor[];
  readonly manifests: readonly Descriptor[];
  /** What this is attached to, such as the image of a signature. */
  readonly subject: Descriptor | null;
  /** What referrers are filtered by; an image without one is known by its config's media type. */
  readonly artifactType: string | null;
  readonly annotations: Readonly<Record<string, string>>;
}

const common = {
  schemaVersion: z.literal(2),
  mediaType: z.string().optional(),
  artifactType: z.string().max(255).optional(),
  subject: Descriptor.nullish().transform((subject) => subject ?? null),
  annotations: Annotations.nullish().transform((annotations) => annotations ?? {}),
};
const descriptors = z.array(Descriptor).max(MAX_DESCRIPTORS);

/** A document that is both kinds at once would be read differently by different clients. */
const absent = z.undefined("belongs to the other kind of manifest").optional();
const none = absent.transform(() => []);
const ImageBody = z.object({
  ...common,
  config: Descriptor,
  layers: descriptors.max(MAX_DESCRIPTORS - 1),
  manifests: none,
});
const IndexBody = z.object({
  ...common,
  config: absent.transform(() => null),
  layers: none,
  manifests: descriptors,
});

const refuse = (message: string): never => {
  throw new DomainError("MANIFEST_INVALID", message);
};

/** The media type alone, without parameters, in lower case. */
const bare = (mediaType: string): string => mediaType.split(";", 1)[0]?.trim().toLowerCase() ?? "";

function readJson(text: string): unknown {
  if (new TextEncoder().encode(text).length > MANIFEST_MAX_BYTES)
    return refuse(`The manifest is longer than ${MANIFEST_MAX_BYTES} bytes`);
  try {
    return JSON.parse(text);
  } catch {
    return refuse("The manifest is not JSON");
  }
}

/** The parsed body, or a refusal that names the first wrong field. */
function check<T>(schema: z.ZodType<T>, json: unknown): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const field = issue?.path.join(".");
  return refuse(
    `The manifest is not valid: ${field ? `${field}: ` : ""}${issue?.message ?? "unknown reason"}`,
  );
}

/**
 * Reads a manifest or index. `mediaType` is what the request or reply said (parameters are ignored);
 * one inside the text must agree. Throws MANIFEST_INVALID with a text that names the field.
 */
export function parseManifest(text: string, mediaType: string): Manifest {
  const type = bare(mediaType);
  const kind = KINDS.get(type) ?? refuse(`The manifest type ${type || "(none)"} is not supported`);
  const json = readJson(text);
  const problem = storageProblem(json);
  if (problem) refuse(`The manifest is not valid: ${problem.path}: ${problem.message}`);
  const body = kind === "image" ? check(ImageBody, json) : check(IndexBody, json);
  if (body.mediaType !== undefined && bare(body.mediaType) !== type)
    return refuse(`The manifest says that it is ${body.mediaType}, the request says ${type}`);
  const { config, layers, manifests, subject, annotations } = body;
  const artifactType = body.artifactType || config?.mediaType || null;
  return { kind, mediaType: type, config, layers, manifests, subject, artifactType, annotations };
}

/** Layers whose bytes live elsewhere by licence; no registry has to hold them. */
export const isForeign = (descriptor: Descriptor): boolean =>
  /\bforeign\b|[.]nondistributable[.]/.test(descriptor.mediaType);

const isManifest = (descriptor: Descriptor): boolean => KINDS.has(bare(descriptor.mediaType));

const unique = (list: readonly Descriptor[]): readonly Descriptor[] => [
  ...new Map(list.map((descriptor) => [descriptor.digest, descriptor])).values(),
];

/** The blobs that a registry must hold for this manifest, each once; foreign layers are left out. */
export function blobsOf(manifest: Manifest): readonly Descriptor[] {
  const config = manifest.config ? [manifest.config] : [];
  const others = manifest.manifests.filter((descriptor) => !isManifest(descriptor));
  return unique([...config, ...manifest.layers, ...others].filter((descriptor) => !isForeign(descriptor)));
}

/** The manifests that an index names, each once. Entries of other types (build caches) count as blobs. */
export const childrenOf = (manifest: Manifest): readonly Descriptor[] =>
  unique(manifest.manifests.filter(isManifest));
