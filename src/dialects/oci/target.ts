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

/** What a request's URL names; null when it is nothing of ours. */
export function readTarget(url: string): Target | null {
  const path = decode(url.replace(/^\/v2\/?/, "").split("?", 1)[0] ?? "");
  if (path === "") return { kind: "ping" };
  if (path === "token") return { kind: "token" };
  if (path === "_catalog") return { kind: "catalog" };
  for (const [pattern, read] of PATHS) {
    const [whole, repository = "", last = ""] = pattern.exec(path ?? "") ?? [];
    if (whole !== undefined) return read(repository, last);
  }
  return null;
}

function decode(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}
