import type { FastifyRequest } from "fastify";
import type { Authenticate } from "../access/authenticate.ts";
import type { Context } from "../context.ts";
import { DomainError, isDomainError } from "../kernel/errors.ts";

/** Who may read metrics: anybody with a token, or anybody at all. */
export interface MetricsReaders {
  readonly authenticate: Authenticate;
  readonly openMetrics: boolean;
}

/** Throws UNAUTHENTICATED for whoever may not read metrics. */
export async function admitToMetrics(
  ctx: Context,
  { authenticate, openMetrics }: MetricsReaders,
  request: FastifyRequest,
): Promise<void> {
  if (openMetrics) return;
  const token = /^Bearer +(\S+) *$/i.exec(request.headers.authorization ?? "")?.[1];
  try {
    await authenticate(ctx, token ?? null, { address: request.ip, requestId: request.id });
  } catch (error) {
    if (isDomainError(error, "UNAUTHENTICATED"))
      throw new DomainError("UNAUTHENTICATED", "/metrics needs a token: Authorization: Bearer hg_…");
    throw error;
  }
}
