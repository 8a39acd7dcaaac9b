import type { FastifyReply } from "fastify";
import { isDomainError } from "../../kernel/errors.ts";
import { appendToUpload } from "../../repositories/append-to-upload.ts";
import { cancelUpload } from "../../repositories/cancel-upload.ts";
import { finishUpload } from "../../repositories/finish-upload.ts";
import { getUpload } from "../../repositories/get-upload.ts";
import { mountBlob } from "../../repositories/mount-blob.ts";
import { pushBlob } from "../../repositories/push-blob.ts";
import { startUpload } from "../../repositories/start-upload.ts";
import type { UploadState } from "../../repositories/upload.ts";
import { hasBody, readBody, readChunk, readDigest } from "./read.ts";
import type { Call, Route, RoutesOf } from "./route.ts";
import type { Targets } from "./target.ts";
import { HEADER } from "./wire.ts";

/** Where an upload stands: the last byte that is in; `0-0` also when none is, as registries say it. */
const present = (reply: FastifyReply, repository: string, upload: UploadState): FastifyReply =>
  reply.headers({
    location: `/v2/${repository}/blobs/uploads/${upload.id}`,
    range: `0-${Math.max(upload.sizeBytes - 1, 0)}`,
    [HEADER.uploadId]: upload.id,
  });

const presentBlob = (reply: FastifyReply, repository: string, digest: string): FastifyReply =>
  reply
    .code(201)
    .headers({ location: `/v2/${repository}/blobs/${digest}`, [HEADER.digest]: digest })
    .send();

/** Spec 1.1, "Pushing blobs" (in one request or more) and "Mounting a blob from another repository". */
const begin: Route<"uploads"> = {
  needs: "push",
  async handle(call: Call, { repository }: Targets["uploads"]): Promise<FastifyReply> {
    const { ctx, request, reply, query } = call;
    if (query.has("mount")) {
      const digest = readDigest(query.get("mount"));
      const from = query.get("from");
      const allowed = from !== null && call.mayPull(from);
      if (allowed && (await mountBlob(ctx, { repository, from, digest })))
        return presentBlob(reply, repository, digest);
    } else if (query.has("digest")) {
      const digest = readDigest(query.get("digest"));
      await pushBlob(ctx, { repository, digest, ...readBody(request) });
      return presentBlob(reply, repository, digest);
    }
    return present(reply, repository, await startUpload(ctx, { repository }))
      .code(202)
      .send();
  },
};

/** Tells a client that lost its place where to go on; the refusal follows (spec 1.1, "Pushing a blob in chunks"). */
async function orWhereItStands<T>(call: Call, target: Targets["upload"], work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (isDomainError(error, "UPLOAD_OUT_OF_ORDER"))
      present(call.reply, target.repository, await getUpload(call.ctx, target));
    throw error;
  }
}

const append: Route<"upload"> = {
  needs: "push",
  async handle(call, target) {
    const adding = appendToUpload(call.ctx, { ...target, ...readChunk(call.request) });
    const upload = await orWhereItStands(call, target, adding);
    return present(call.reply, target.repository, upload).code(202).send();
  },
};

const finish: Route<"upload"> = {
  needs: "push",
  async handle(call, target) {
    const digest = readDigest(call.query.get("digest"));
    const last = hasBody(call.request) ? readChunk(call.request) : null;
    await orWhereItStands(call, target, finishUpload(call.ctx, { ...target, digest, last }));
    return presentBlob(call.reply, target.repository, digest);
  },
};

const show: Route<"upload"> = {
  needs: "push",
  async handle({ ctx, reply }, target) {
    return present(reply, target.repository, await getUpload(ctx, target))
      .code(204)
      .send();
  },
};

const cancel: Route<"upload"> = {
  needs: "push",
  async handle({ ctx, reply }, target) {
    await cancelUpload(ctx, target);
    return reply.code(204).send();
  },
};

export const uploadsRoutes: RoutesOf<"uploads"> = { POST: begin };
export const uploadRoutes: RoutesOf<"upload"> = {
  GET: show,
  PATCH: append,
  PUT: finish,
  DELETE: cancel,
};
