/** The rows of the registry inside, in the terms of `tables.ts`. */
export interface RepositoryTables {
  repositories: RepositoryRow;
  blobs: BlobRow;
  repository_blobs: RepositoryBlobRow;
  manifests: ManifestRow;
  manifest_references: { repository_id: string; manifest_digest: string; digest: string };
  tags: { repository_id: string; name: string; digest: string; updated_at: number };
  uploads: UploadRow;
}

interface RepositoryRow {
  id: string;
  project_id: string;
  /** Full name, project key first: `shop/api`. */
  name: string;
  created_at: number;
}

/** A blob of the registry inside; its bytes lie in file storage under the digest. */
interface BlobRow {
  digest: string;
  size_bytes: number;
  created_at: number;
  /** Since when no repository links it; the sweep removes it 24 h later. */
  unlinked_at: number | null;
}

/** A repository's own link to a blob: without it the blob is unknown there. */
interface RepositoryBlobRow {
  repository_id: string;
  digest: string;
  linked_at: number;
  /** Since when no manifest of the repository names it; the sweep removes the link 24 h later. */
  unreferenced_at: number | null;
}

/** A manifest or index; its bytes are a blob, which it holds by being there. */
interface ManifestRow {
  repository_id: string;
  digest: string;
  media_type: string;
  size_bytes: number;
  subject_digest: string | null;
  artifact_type: string | null;
  annotations_json: string | null;
  pushed_at: number;
}

/** A blob on its way in; how much is there, file storage knows. */
interface UploadRow {
  id: string;
  repository_id: string;
  started_at: number;
  updated_at: number;
}
