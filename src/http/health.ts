import type { FastifyInstance } from "fastify";
import { messageOf } from "../kernel/errors.ts";

/** `/healthz`: the process answers. `/readyz`: it is started and its database answers, else 503 with the reason. */
export function healthRoutes(app: FastifyInstance, isReady: () => Promise<void>): void {
  app.get("/healthz", { logLevel: "warn" }, () => ({ status: "ok" }));
  app.get("/readyz", { logLevel: "warn" }, async (_request, reply) => {
    try {
      await isReady();
      return { status: "ready" };
    } catch (error) {
      return reply.status(503).send({ status: "not ready", reason: messageOf(error) });
    }
  });
}
