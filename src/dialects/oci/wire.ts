/**
 * Words of the OCI distribution specification 1.1, and of the Docker registry API where clients still expect them.
 */

/** Codes of the specification ("Error Codes"), and three that registries have beside them. */
export type OciErrorCode =
  | "BLOB_UNKNOWN"
  | "BLOB_UPLOAD_INVALID"
  | "BLOB_UPLOAD_UNKNOWN"
  | "DIGEST_INVALID"
  | "MANIFEST_BLOB_UNKNOWN"
  | "MANIFEST_INVALID"
  | "MANIFEST_UNKNOWN"
  | "NAME_INVALID"
  | "NAME_UNKNOWN"
  | "SIZE_INVALID"
  | "UNAUTHORIZED"
  | "DENIED"
  | "UNSUPPORTED"
  | "TOOMANYREQUESTS"
  | "PAGINATION_NUMBER_INVALID"
  | "UNAVAILABLE"
  | "UNKNOWN";

/** The body of every refusal. */
export interface OciErrorBody {
  readonly errors: readonly [
    { readonly code: OciErrorCode; readonly message: string; readonly detail: unknown },
  ];
}

/** Headers beyond those of HTTP. */
export const HEADER = {
  apiVersion: "docker-distribution-api-version",
  digest: "docker-content-digest",
  uploadId: "docker-upload-uuid",
  subject: "oci-subject",
  filtersApplied: "oci-filters-applied",
} as const;

export const API_VERSION = "registry/2.0";
export const INDEX_MEDIA_TYPE = "application/vnd.oci.image.index.v1+json";
export const BLOB_MEDIA_TYPE = "application/octet-stream";
/** Names this registry to token clients. */
export const SERVICE = "headgate";
