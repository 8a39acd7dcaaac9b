/** What a path under `/v2/` names; names, digests and tags in it are not yet judged. */
export interface Targets {
  readonly ping: { readonly kind: "ping" };
  readonly token: { readonly kind: "token" };
  readonly catalog: { readonly kind: "catalog" };
  readonly uploads: { readonly kind: "uploads"; readonly repository: string };
  readonly upload: { readonly kind: "upload"; readonly repository: string; readonly uploadId: string };
  readonly blob: { readonly kind: "blob"; readonly repository: string; readonly digest: string };
  readonly manifest: { readonly kind: "manifest"; readonly repository: string; readonly reference: string };
  readonly tags: { readonly kind: "tags"; readonly repository: string };
  readonly referrers: { readonly kind: "referrers"; readonly repository: string; readonly digest: string };
}
export type TargetKind = keyof Targets;
export type Target = Targets[TargetKind];

type Reader = (repository: string, last: string) => Target;

/** Read from the end, since a repository's name may itself hold `blobs` and `manifests`. */
const PATHS: readonly (readonly [RegExp, Reader])[] = [
  [/^(.+)\/blobs\/uploads\/?$/, (repository) => ({ kind: "uploads", repository })],
  [/^(.+)\/blobs\/uploads\/([^/]+)$/, (repository, uploadId) => ({ kind: "upload", repository, uploadId })],
  [/^(.+)\/blobs\/([^/]+)$/, (repository, digest) => ({ kind: "blob", repository, digest })],
  [/^(.+)\/manifests\/([^/]+)$/, (repository, reference) => ({ kind: "manifest", repository, reference })],
  [/^(.+)\/tags\/list$/, (repository) => ({ kind: "tags", repository })],
  [/^(.+)\/referrers\/([^/]+)$/, (repository, digest) => ({ kind: "referrers", repository, digest })],
];

/** What a request's URL names; null when it is nothing of ours. Its parts are decoded once they are apart. */
export function readTarget(url: string): Target | null {
  const path = url.replace(/^\/v2\/?/, "").split("?", 1)[0] ?? "";
  if (path === "") return { kind: "ping" };
  if (path === "token") return { kind: "token" };
  if (path === "_catalog") return { kind: "catalog" };
  for (const [pattern, read] of PATHS) {
    const match = pattern.exec(path);
    if (match) return read(decode(match[1]), decode(match[2]));
  }
  return null;
}

/** A part that cannot be decoded stays as it is: it is no name, digest or tag anyway. */
function decode(part = ""): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
