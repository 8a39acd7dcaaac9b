import { readFile } from "node:fs/promises";
import Fastify, { type FastifyInstance } from "fastify";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openApiDocument } from "../../src/api/openapi-document.ts";
import { referencePage } from "../../src/api/reference-page.ts";

interface Operation {
  readonly summary?: string;
  readonly tags?: readonly string[];
  readonly responses: Readonly<Record<string, unknown>>;
}
interface Document {
  readonly openapi: string;
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components: { readonly schemas: Readonly<Record<string, unknown>> };
}

describe("the OpenAPI document", () => {
  it("is the one that is committed; npm run openapi writes it anew", async () => {
    const committed = await readFile(new URL("../../docs/api/openapi.json", import.meta.url), "utf8");
    expect(await openApiDocument()).toBe(committed);
  });

  it("says of every operation what it does and how it refuses", async () => {
    const document = JSON.parse(await openApiDocument()) as Document;
    expect(document.openapi).toBe("3.1.0");
    const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => ({ name: `${method} ${path}`, ...operation })),
    );
    expect(operations.length).toBeGreaterThan(30);
    const wanting = operations.filter(
      ({ name, summary = "", tags = [], responses }) =>
        !name.includes(" /v1/") ||
        !/^[A-Z]/.test(summary) ||
        tags.length !== 1 ||
        !JSON.stringify(responses["default"]).includes("#/components/schemas/Problem"),
    );
    expect(wanting.map(({ name }) => name)).toEqual([]);
  });

  it("refers only to schemas that it holds, and holds none that nobody refers to", async () => {
    const text = await openApiDocument();
    const { schemas } = (JSON.parse(text) as Document).components;
    const used = new Set([...text.matchAll(/#\/components\/schemas\/(\w+)/g)].map((match) => match[1]));
    expect(used).toEqual(new Set(Object.keys(schemas)));
  });
});

describe("the reference page", () => {
  let app: FastifyInstance;
  beforeAll(async () => {
    app = Fastify();
    await app.register(referencePage);
  });
  afterAll(() => app.close());

  it("loads its script from here, and may load nothing from elsewhere", async () => {
    const page = await app.inject("/docs/");
    expect(page.statusCode).toBe(200);
    const loaded = [...page.body.matchAll(/(?:src|href)="([^"]+)"/g)].map((match) => match[1]);
    expect(loaded).toEqual(["js/scalar.js"]);
    const policy = String(page.headers["content-security-policy"]);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toMatch(/https?:|\*/);
    const script = await app.inject("/docs/js/scalar.js");
    expect(script.statusCode).toBe(200);
    expect(script.body.length).toBeGreaterThan(1_000_000);
    expect((await app.inject("/docs/openapi.json")).json()).toMatchObject({ openapi: "3.1.0" });
  });
});
