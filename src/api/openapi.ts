import swagger from "@fastify/swagger";
import reference from "@scalar/fastify-api-reference";
import type { FastifyInstance, FastifyPluginAsync } from "fastify";
import { createJsonSchemaTransform, createJsonSchemaTransformObject } from "fastify-type-provider-zod";

type Json = { readonly [key: string]: unknown };
const isObject = (value: unknown): value is Json => typeof value === "object" && value !== null;

/** Describes every route of `/v1` that is registered after this, as OpenAPI 3.1. */
export async function describeApi(app: FastifyInstance): Promise<void> {
  const describe = createJsonSchemaTransformObject({});
  const describeRoute = createJsonSchemaTransform({});
  await app.register(swagger, {
    openapi: {
      openapi: "3.1.0",
      info: {
        title: "Headgate",
        version: "1",
        description:
          "Headgate's own API. Moments are ISO 8601 in UTC, ids are 24 hex digits, lists come in pages " +
          "(`next` goes into `after`). Every refusal is application/problem+json and names the field at fault.",
        license: { name: "Apache-2.0", identifier: "Apache-2.0" },
      },
      components: { securitySchemes: { token: { type: "http", scheme: "bearer" } } },
      security: [{ token: [] }],
    },
    // Other APIs of this server have documents of their own, and schemas that are not ours to read.
    transform: (route) =>
      route.url.startsWith("/v1/") ? describeRoute(route) : { ...route, schema: { hide: true } },
    transformObject: (document) => withoutUnusedSchemas(describe(document) as Json) as never,
  });
}

/** Every named schema comes in an input and an output form; most of them nobody refers to. */
function withoutUnusedSchemas(document: Json): Json {
  const components = isObject(document["components"]) ? document["components"] : {};
  const schemas = isObject(components["schemas"]) ? components["schemas"] : {};
  const used = new Set<string>();
  const follow = (value: unknown): void => {
    if (!isObject(value)) return;
    const name = typeof value["$ref"] === "string" ? value["$ref"].split("/").at(-1) : undefined;
    if (name !== undefined && !used.has(name)) {
      used.add(name);
      follow(schemas[name]);
    }
    Object.values(value).forEach(follow);
  };
  follow(document["paths"]);
  const kept = Object.fromEntries(
    Object.entries(schemas)
      .filter(([name]) => used.has(name))
      .toSorted(([one], [other]) => (one < other ? -1 : 1)),
  );
  return { ...document, components: { ...components, schemas: kept } };
}

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

/** The reference page at `/docs`, and the document itself at `/docs/openapi.json`, without a token. */
export const referencePage: FastifyPluginAsync = async (page) => {
  page.addHook("onRequest", async (_request, reply) => {
    void reply.header("content-security-policy", OWN_THINGS_ONLY);
  });
  await page.register(reference, {
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
};
