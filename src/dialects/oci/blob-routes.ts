import type { FastifyReply } from "fastify";
import { deleteBlob } from "../../repositories/delete-blob.ts";
import { readBlob } from "../../repositories/read-blob.ts";
import { OciError } from "./errors.ts";
import { readDigest, readRange } from "./read.ts";
import type { Call, Route, RoutesOf } from "./route.ts";
import type { Targets } from "./target.ts";
import { BLOB_MEDIA_TYPE, HEADER } from "./wire.ts";

/** Spec 1.1, "Pulling blobs", with ranges as RFC 9110, 14 has them; HEAD is GET without the bytes. */
const pull: Route<"blob"> = {
  needs: "pull",
  async handle({ ctx, request, reply }: Call, target: Targets["blob"]): Promise<FastifyReply> {
    const digest = readDigest(target.digest);
    const blob = await readBlob(ctx, { repository: target.repository, digest });
    const isHead = request.method === "HEAD";
    const range = isHead ? null : readRange(request.headers.range, blob.sizeBytes);
    if (range === "unsatisfiable") {
      void reply.header("content-range", `bytes */${blob.sizeBytes}`);
      throw new OciError(416, "SIZE_INVALID", `The blob has ${blob.sizeBytes} bytes`);
    }
    const length = range ? range.last - range.first + 1 : blob.sizeBytes;
    if (range) void reply.header("content-range", `bytes ${range.first}-${range.last}/${blob.sizeBytes}`);
    void reply
      .code(range ? 206 : 200)
      .type(BLOB_MEDIA_TYPE)
      .headers({ [HEADER.digest]: digest, etag: `"${digest}"`, "accept-ranges": "bytes" })
      .header("content-length", length);
    if (isHead || length === 0) return reply.send();
    return reply.send(await blob.read(range ?? undefined));
  },
};

/** Spec 1.1, "Deleting blobs". */
const remove: Route<"blob"> = {
  needs: "delete",
  async handle({ ctx, reply }, target) {
    await deleteBlob(ctx, { repository: target.repository, digest: readDigest(target.digest) });
    return reply.code(202).send();
  },
};

export const blobRoutes: RoutesOf<"blob"> = { GET: pull, HEAD: pull, DELETE: remove };
