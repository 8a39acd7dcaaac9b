import type { FastifyRequest } from "fastify";

/** True when the caller wants to see what came of it (RFC 7240): the record, or all there is to say of a refusal. */
export const wantsRepresentation = (request: FastifyRequest): boolean =>
  /(?:^|[,;\s])return=representation(?:$|[,;\s])/i.test([request.headers["prefer"]].flat().join(","));
