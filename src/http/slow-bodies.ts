import type { FastifyInstance } from "fastify";

/** Enough for the largest body over a slow line; the registry inside takes blobs for as long as they come. */
const BODY_MILLIS = 60_000;
const REGISTRY = /^\/v2(?:\/|$)/;

/**
 * Cuts the connection of a request whose body is not there in time. Node's own limit would count for blobs too, and
 * without any, a stranger could hold connections for ever by sending nothing more.
 */
export function cutSlowBodies(app: FastifyInstance, limitMillis: number = BODY_MILLIS): void {
  app.addHook("onRequest", async ({ raw, url }) => {
    if (raw.complete || REGISTRY.test(url)) return;
    // A request without a body is complete only after this, and nobody reads it to its end while its answer goes on.
    const cut = (): void => void (raw.complete || raw.destroy());
    const timer = setTimeout(cut, limitMillis).unref();
    const stop = (): void => clearTimeout(timer);
    raw.once("end", stop).once("close", stop);
  });
}
