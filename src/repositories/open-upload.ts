import type { Context } from "../context.ts";
import { DomainError } from "../kernel/errors.ts";
import { Id } from "../kernel/id.ts";
import { openRepository } from "./open-repository.ts";
import type { Repository } from "./repository.ts";
import type { Upload } from "./upload.ts";
import { findUpload } from "./upload-store.ts";

/** Names an upload of a repository. */
export interface UploadPlace {
  readonly repository: string;
  readonly uploadId: string;
}

/** An upload, for an actor who may push. Throws what openRepository does, and UPLOAD_NOT_FOUND. */
export async function openUpload(
  ctx: Context,
  { repository: name, uploadId }: UploadPlace,
): Promise<{ upload: Upload; repository: Repository }> {
  const repository = await openRepository(ctx, name, "releaser");
  const upload = Id.safeParse(uploadId).success ? await findUpload(ctx.db, uploadId) : null;
  if (!upload || upload.repositoryId !== repository.id)
    throw new DomainError(
      "UPLOAD_NOT_FOUND",
      "Unknown upload: it was finished, cancelled or rested too long",
    );
  return { upload, repository };
}
