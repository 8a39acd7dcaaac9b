import type { Generated } from "kysely";
import type { DeploymentTables } from "./deployment-tables.ts";
import type { RepositoryTables } from "./repository-tables.ts";

/**
 * The shape of every row; those of deployments and of the registry inside have files of their own. Moments are epoch milliseconds (`…_at`), booleans 0 or 1,
 * JSON is text (`…_json`), ids are 24 hex digits made by us unless said otherwise.
 */
export interface Tables extends DeploymentTables, RepositoryTables {
  schema_migrations: { name: string; applied_at: number };
  settings: SettingRow;
  projects: ProjectRow;
  services: ServiceRow;
  connections: ConnectionRow;
  connection_projects: { connection_id: string; project_id: string };
  releases: ReleaseRow;
  release_contents: ReleaseContentRow;
  release_labels: ReleaseLabelRow;
  release_counts: { project_id: string; filter: string; block: number; count: number };
  release_manifests: ReleaseManifestRow;
  release_items: ReleaseItemRow;
  release_item_referrers: ReleaseItemReferrerRow;
  distributions: DistributionRow;
  distribution_steps: DistributionStepRow;
  distribution_blobs: DistributionBlobRow;
  distribution_item_blobs: DistributionItemBlobsRow;
  mount_sources: MountSourceRow;
  users: UserRow;
  project_roles: { user_id: string; project_id: string; role: string };
  api_tokens: ApiTokenRow;
  sign_up_links: { secret_hash: string; expires_at: number; used_at: number | null };
  events: EventRow;
  sealer_lease: SealerLeaseRow;
  chain_heads: ChainHeadRow;
  idempotency_keys: IdempotencyKeyRow;
  tasks: TaskRow;
  task_steps: TaskStepRow;
  task_signals: { task_id: string; name: string; payload_json: string; sent_at: number };
}

/** Facts of the installation itself: the encryption check value, the audit signing key. */
interface SettingRow {
  name: string;
  value: string;
}

interface ProjectRow {
  id: string;
  key: string;
  name: string;
  created_at: number;
  /** Whether releases take their images' referrers along when nothing else is said. */
  with_referrers: Generated<number>;
  /** How its repository is read, `org/name` of it there, and what builds its candidates; null: none. */
  source_connection_id: Generated<string | null>;
  repository: Generated<string | null>;
  build_workflow_id: Generated<string | null>;
}

interface ServiceRow {
  id: string;
  project_id: string;
  name: string;
  created_at: number;
}

interface ConnectionRow {
  id: string;
  name: string;
  /** registry · git · github */
  kind: string;
  /** host or host:port, without a scheme. */
  host: string;
  /** Path part between host and image; may be empty. */
  namespace: string;
  provider: string;
  region: string;
  is_default: number;
  plain_http: number;
  allow_private: number;
  /** PEM text of extra certificate authorities, or null. */
  ca_pem: string | null;
  username: string | null;
  /** The password, sealed by the secret box; null for an anonymous connection. */
  sealed_password: string | null;
  /** Token hosts that an admin confirmed, a JSON array of strings. */
  token_hosts_json: string;
  all_projects: number;
  built_in: number;
  created_at: number;
  updated_at: number;
  /** What incoming webhooks are signed with, sealed by the secret box. */
  sealed_webhook_secret: string | null;
}

/** One per (project, version text): what every door shares. */
interface ReleaseRow {
  id: string;
  project_id: string;
  version: string;
  stage: string;
  created_at: number;
  /** The commit of its newest candidate; null while it has none. */
  commit_sha: Generated<string | null>;
}

/** What a Zadig version or an import put into a release; its id is the Zadig id. */
interface ReleaseContentRow {
  id: string;
  release_id: string;
  project_id: string;
  /** Copied from the release, so that lists need no join. */
  version: string;
  packaging: string;
  source: string;
  environment_name: string;
  production: number;
  original_content_id: string | null;
  description: string;
  /** Labels in the order given, a JSON array; `release_labels` is their index. */
  labels_json: string;
  /** Where images are pushed; null when nothing is pushed. */
  target_connection_id: string | null;
  /** Wire fields without a meaning in the model, kept to round-trip. */
  wire_extras_json: string;
  created_by: string;
  created_at: number;
  deleted_at: number | null;
  /** Where the release stands in its project's lists: they are ordered by block, moment and id. Never changes. */
  block: Generated<number>;
  /** Copied from its distribution, so that lists need no join. */
  distribution_status: Generated<string>;
  /** Whether what is attached to the images is copied with them. */
  with_referrers: Generated<number>;
}

/** A label of a release that is not deleted, with what the lists by label are ordered and filtered by. */
interface ReleaseLabelRow {
  content_id: string;
  label: string;
  project_id: string;
  block: number;
  created_at: number;
  distribution_status: string;
}

/** One service's YAML: as received, for ever, and as rendered once pins are known. */
interface ReleaseManifestRow {
  content_id: string;
  service_name: string;
  position: number;
  received_yaml: string;
  /** References as the client sent them; null when nothing was rewritten. */
  wire_yaml: string | null;
  /** References as repository:tag@sha256:…; null until pinned. */
  rendered_yaml: string | null;
}

/** One image of a release. */
interface ReleaseItemRow {
  id: string;
  content_id: string;
  service_name: string;
  position: number;
  container_name: string;
  image_name: string;
  source_image: string;
  source_tag: string;
  target_image: string;
  target_tag: string;
  push: number;
  /** What is read and written: connection, repository without host. Null when no permitted connection reaches it. */
  source_connection_id: string | null;
  source_repository: string;
  target_connection_id: string | null;
  target_repository: string;
  /** Given when the source is another release's pin; otherwise the tag is resolved. */
  source_digest: string | null;
  /** Never changes once set. */
  pinned_digest: string | null;
  pinned_at: number | null;
  /** Why there is no pin, in words; null when there is one or none was tried. */
  pin_problem: string | null;
}

/** What was attached to an image when it was pinned. */
interface ReleaseItemReferrerRow {
  item_id: string;
  digest: string;
  /** The tag that leads to it; empty for one that is known by its subject alone. */
  tag: string;
  position: number;
  kind: string;
  /** The manifest that it is attached to: of the image, or another referrer. */
  subject_digest: string;
  media_type: string;
  artifact_type: string | null;
  /** Its manifests and blobs together. */
  size_bytes: number;
  /** When it was last seen whole at the target. */
  copied_at: number | null;
}

interface DistributionRow {
  id: string;
  content_id: string;
  project_id: string;
  status: string;
  error: string;
  attempt: number;
  task_id: string;
  total_bytes: number;
  verified_bytes: number;
  created_at: number;
  ended_at: number | null;
}

/** One copy: an item to its target. */
interface DistributionStepRow {
  distribution_id: string;
  item_id: string;
  status: string;
  error: string;
  /** The digest seen at the target after the copy. */
  verified_digest: string | null;
  updated_at: number;
}

/** The unique blobs that a distribution moves; the sum of the verified ones is its progress. */
interface DistributionBlobRow {
  distribution_id: string;
  digest: string;
  size_bytes: number;
  verified_at: number | null;
  /** How it got there: present, mounted or copied. Null until it is there, and where that was not noted yet. */
  arrival: Generated<string | null>;
}

/** Which blobs an image of a distribution has, as a JSON array of digests: the bytes of one image are counted by it. */
interface DistributionItemBlobsRow {
  distribution_id: string;
  item_id: string;
  digests_json: string;
}

/** Where a project itself read or wrote a blob through a connection: the only places a mount may come from. */
interface MountSourceRow {
  project_id: string;
  connection_id: string;
  digest: string;
  repository: string;
  seen_at: number;
}

interface UserRow {
  id: string;
  name: string;
  /** argon2id in PHC form; null for a user that only has tokens. */
  password_hash: string | null;
  system_admin: number;
  disabled: number;
  created_at: number;
}

interface ApiTokenRow {
  id: string;
  user_id: string;
  name: string;
  /** SHA-256 of the secret part, hex. */
  secret_hash: string;
  /** A JSON array of scopes. */
  scopes_json: string;
  expires_at: number | null;
  last_used_at: number | null;
  revoked_at: number | null;
  created_at: number;
}

interface EventRow {
  /** Counted up at the insert, which is not the order in which transactions commit: the sealer's hint alone. */
  serial: Generated<number>;
  id: string;
  /** The project's id, or `system`. */
  chain: string;
  project_id: string | null;
  kind: string;
  subject_id: string | null;
  /** The event as a canonical JSON object: what the hash is taken over, less sequence and hashes. */
  body_json: string;
  created_at: number;
  /** Given by the sealer in commit order, per chain, from 1. */
  sequence: number | null;
  previous_hash: string | null;
  hash: string | null;
}

/** One row: which process seals events, until when by the database's clock. */
interface SealerLeaseRow {
  name: string;
  holder: string;
  leased_until: number;
}

interface ChainHeadRow {
  chain: string;
  sequence: number;
  hash: string;
  signature: string;
  signed_at: number;
}

interface IdempotencyKeyRow {
  actor: string;
  route: string;
  key: string;
  request_hash: string;
  /** Null while the first request runs. */
  reply_json: string | null;
  created_at: number;
}

interface TaskRow {
  id: string;
  kind: string;
  version: number;
  payload_json: string;
  /** At most one task of a key is ready, running or waiting. */
  key: string | null;
  /** ready · running · waiting · done · failed · cancelled */
  state: string;
  run_at: number;
  attempt: number;
  /** Runs in a row whose lease ran out before they finished a step. */
  lost_runs: number;
  lease_owner: string | null;
  /** Grows with every lease; a write with an older one is refused. */
  fence: number;
  leased_until: number | null;
  cancel_requested: number;
  progress_json: string | null;
  error: string | null;
  created_at: number;
  ended_at: number | null;
}

interface TaskStepRow {
  task_id: string;
  name: string;
  /** done · sleeping (until wake_at; over once that has passed) */
  state: string;
  result_json: string | null;
  wake_at: number | null;
  finished_at: number | null;
}
