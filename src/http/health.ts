import type { FastifyInstance } from "fastify";

/**
 * `/healthz`: the process answers. `/readyz`: it is started and its database answers, else 503; why is in the log alone,
 * for anybody may ask.
 */
export function healthRoutes(app: FastifyInstance, isReady: () => Promise<void>): void {
  app.get("/healthz", { config: { quiet: true } }, () => ({ status: "ok" }));
  app.get("/readyz", { config: { quiet: true } }, async (_request, reply) => {
    try {
      await isReady();
      return { status: "ready" };
    } catch (error) {
      app.log.warn({ err: error }, "not ready");
      return reply.status(503).send({ status: "not ready", reason: "the database does not answer" });
    }
  });
}
