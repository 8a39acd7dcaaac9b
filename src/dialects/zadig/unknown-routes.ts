import type { FastifyInstance } from "fastify";

/** Zadig's plain-text answers to a wrong path (404) and a wrong method (405) under the same prefix. */
export function answerUnknownZadigRoutes(app: FastifyInstance): void {
  const paths = new Set<string>();
  app.addHook("onRoute", (route) => {
    paths.add(route.url);
  });
  app.setNotFoundHandler((request, reply) => {
    const path = new URL(request.url, "http://any").pathname;
    const known = [...paths].some((template) => matches(template, path));
    void reply.status(known ? 405 : 404).type("text/plain; charset=utf-8");
    return reply.send(known ? `Method not allowed: ${request.method} ${path}` : `Invalid path: ${path}`);
  });
}

function matches(template: string, path: string): boolean {
  const wanted = template.split("/");
  const parts = path.split("/");
  return (
    wanted.length === parts.length && wanted.every((part, at) => part.startsWith(":") || part === parts[at])
  );
}
