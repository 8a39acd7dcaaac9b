import swagger from "@fastify/swagger";
import type { FastifyInstance } from "fastify";
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
