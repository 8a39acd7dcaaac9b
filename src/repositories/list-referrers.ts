import type { Context } from "../context.ts";
import type { Digest } from "../kernel/digest.ts";
import { listAttached, type StoredManifest } from "./manifest-store.ts";
import { openRepository } from "./open-repository.ts";

export interface ListReferrers {
  readonly repository: string;
  readonly subject: Digest;
  /** Null: of every type. */
  readonly artifactType: string | null;
  /** The digest behind which to go on; "" is before all. */
  readonly last: string;
}

export interface ReferrerPage {
  readonly manifests: readonly StoredManifest[];
  readonly more: boolean;
}

/** Keeps a page well below the size that clients accept for a manifest. */
const PAGE = 200;

/** What is attached to this subject, such as its signatures; the subject itself need not be there. */
export async function listReferrers(ctx: Context, input: ListReferrers): Promise<ReferrerPage> {
  const { id } = await openRepository(ctx, input.repository, "viewer");
  const { artifactType, last } = input;
  const found = await listAttached(ctx.db, id, input.subject, { artifactType, last, limit: PAGE + 1 });
  return { manifests: found.slice(0, PAGE), more: found.length > PAGE };
}
