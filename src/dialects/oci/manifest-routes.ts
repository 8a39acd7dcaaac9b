import { isDigest } from "../../kernel/digest.ts";
import { deleteManifest } from "../../repositories/delete-manifest.ts";
import { deleteTag } from "../../repositories/delete-tag.ts";
import { MANIFEST_MAX_BYTES } from "../../repositories/manifest.ts";
import { pushManifest } from "../../repositories/push-manifest.ts";
import { readManifest } from "../../repositories/read-manifest.ts";
import { readBytes, readReference } from "./read.ts";
import type { Route, RoutesOf } from "./route.ts";
import { HEADER } from "./wire.ts";

/** Spec 1.1, "Pulling manifests". What is stored is sent, whatever types the client says it accepts. */
const pull: Route<"manifest"> = {
  needs: "pull",
  async handle({ ctx, request, reply }, { repository, reference }) {
    const manifest = await readManifest(ctx, { repository, reference: readReference(reference) });
    void reply
      .type(manifest.mediaType)
      .headers({ [HEADER.digest]: manifest.digest, etag: `"${manifest.digest}"` })
      .header("content-length", manifest.sizeBytes);
    return reply.send(request.method === "HEAD" ? undefined : await manifest.read());
  },
};

/** Spec 1.1, "Pushing manifests" and "Pushing manifests with subject". */
const push: Route<"manifest"> = {
  needs: "push",
  async handle({ ctx, request, reply }, target) {
    const { repository } = target;
    const reference = readReference(target.reference);
    const bytes = await readBytes(request, MANIFEST_MAX_BYTES);
    const mediaType = request.headers["content-type"] ?? "";
    const { digest, subject } = await pushManifest(ctx, { repository, reference, mediaType, bytes });
    if (subject !== null) void reply.header(HEADER.subject, subject);
    return reply
      .code(201)
      .headers({ location: `/v2/${repository}/manifests/${digest}`, [HEADER.digest]: digest })
      .send();
  },
};

/** Spec 1.1, "Deleting tags" and "Deleting manifests". */
const remove: Route<"manifest"> = {
  needs: "delete",
  async handle({ ctx, reply }, target) {
    const { repository } = target;
    const reference = readReference(target.reference);
    if (isDigest(reference)) await deleteManifest(ctx, { repository, digest: reference });
    else await deleteTag(ctx, { repository, tag: reference });
    return reply.code(202).send();
  },
};

export const manifestRoutes: RoutesOf<"manifest"> = { GET: pull, HEAD: pull, PUT: push, DELETE: remove };
