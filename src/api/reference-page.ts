import type { FastifyInstance, FastifyPluginAsync } from "fastify";

/** Nothing of the reference page may come from elsewhere, whatever its bundle would like to load. */
const OWN_THINGS_ONLY = [
  "default-src 'none'",
  "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
  "style-src 'self' 'unsafe-inline'",
  "img-src 'self' data:",
  "font-src 'self' data:",
  "connect-src 'self'",
  "worker-src 'self' blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/**
 * The reference page at `/docs`, and the document itself at `/docs/openapi.json`, without a token. What makes them is
 * megabytes that most servers never need: it is loaded when somebody looks.
 */
export const referencePage: FastifyPluginAsync = async (app) => {
  let loaded: Promise<FastifyInstance> | null = null;
  async function load(): Promise<FastifyInstance> {
    const { describedApi } = await import("./openapi-document.ts");
    const { default: reference } = await import("@scalar/fastify-api-reference");
    const pages = await describedApi();
    await pages.register(reference, {
      routePrefix: "/docs",
      configuration: {
        pageTitle: "Headgate API",
        withDefaultFonts: false,
        telemetry: false,
        proxyUrl: "",
        hideClientButton: true,
        agent: { disabled: true },
        mcp: { disabled: true },
      },
    });
    return pages;
  }
  for (const url of ["/docs", "/docs/*"])
    app.get(url, async (request, reply) => {
      loaded ??= load();
      loaded.catch(() => {
        loaded = null;
      });
      const answer = await (await loaded).inject(request.url);
      return reply
        .status(answer.statusCode)
        .headers(answer.headers)
        .header("content-security-policy", OWN_THINGS_ONLY)
        .send(answer.rawPayload);
    });
};
