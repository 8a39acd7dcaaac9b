import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Ajv, type ValidateFunction } from "ajv";
import addFormats from "ajv-formats";

const require = createRequire(import.meta.url);

type Json = Record<string, unknown>;

interface Description {
  readonly paths: Readonly<Record<string, Readonly<Record<string, { readonly responses: Json }>>>>;
  readonly components: { readonly schemas: Json; readonly responses: Json; readonly examples: Json };
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const ajv = new Ajv({ strict: false, allErrors: true });
addFormats.default(ajv);
const validators = new Map<string, ValidateFunction | null>();
let loaded: Description | undefined;

/** GitHub's own description of its API, 13 MB, read when the first answer is looked at. */
function github(): Description {
  const path = require.resolve("@octokit/openapi/generated/api.github.com.json");
  return (loaded ??= JSON.parse(readFileSync(path, "utf8")) as Description);
}

/** OpenAPI 3.0 says `nullable` where JSON Schema says the type `null`, also beside an enum or a reference. */
function toJsonSchema(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(toJsonSchema);
  if (!isObject(value)) return value;
  const { nullable, example: _, examples: __, discriminator: ___, ...rest } = value;
  const schema = Object.fromEntries(Object.entries(rest).map(([key, member]) => [key, toJsonSchema(member)]));
  return nullable === true ? { anyOf: [schema, { type: "null" }] } : schema;
}

const REFERENCE = /"#\/components\/schemas\/([^"]+)"/g;

/** A schema with all those that it refers to, directly or not: a few of many hundreds. */
function withReferences(schema: unknown): object {
  const schemas: Json = {};
  const pick = (text: string): void => {
    for (const [, name = ""] of text.matchAll(REFERENCE)) {
      if (name in schemas) continue;
      schemas[name] = toJsonSchema(github().components.schemas[name]);
      pick(JSON.stringify(schemas[name]));
    }
  };
  const own = toJsonSchema(schema);
  pick(JSON.stringify(own));
  return { allOf: [own], components: { schemas } };
}

/** The schema of an answer's JSON body; null when it has no such body. */
function schemaOf(answer: Json): unknown {
  if (typeof answer["$ref"] === "string") {
    const name = answer["$ref"].split("/").at(-1) ?? "";
    const response = github().components.responses[name];
    return isObject(response) ? schemaOf(response) : null;
  }
  const { content } = answer;
  const json = isObject(content) ? content["application/json"] : null;
  return isObject(json) ? json["schema"] : null;
}

/** Answers that GitHub gives to any call; the description names them for some endpoints only. */
const GENERAL = new Set([301, 304, 307, 400, 401, 403, 404, 422, 429]);
const ANY_ERROR = { $ref: "#/components/schemas/basic-error" };

/** Undefined: this endpoint never gives that answer. Null: it has no body. */
function validatorOf(route: string, status: number): ValidateFunction | null | undefined {
  const key = `${route} ${status}`;
  const found = validators.get(key);
  if (found !== undefined) return found;
  const [method = "", path = ""] = route.split(" ");
  const answer = github().paths[path]?.[method.toLowerCase()]?.responses[status];
  if (!isObject(answer) && !GENERAL.has(status)) return undefined;
  const schema = isObject(answer) ? schemaOf(answer) : status === 304 ? null : ANY_ERROR;
  const validator = schema ? ajv.compile(withReferences(schema)) : null;
  validators.set(key, validator);
  return validator;
}

/**
 * What is wrong with an answer by GitHub's own description of its API; null when nothing is. `route` is as it stands
 * there: `GET /repos/{owner}/{repo}`.
 */
export function answerFault(route: string, status: number, body: unknown): string | null {
  const validator = validatorOf(route, status);
  if (validator === undefined) return `${route} never answers ${status}`;
  if (validator === null) return body === undefined ? null : `${route} ${status} has no body`;
  return validator(body) ? null : `${route} ${status}: ${ajv.errorsText(validator.errors)}`;
}

/** An example of GitHub's own description, to fill in what a test does not care about. */
export function openapiExample(name: string): Json {
  const example = github().components.examples[name];
  if (!isObject(example) || !isObject(example["value"])) throw new Error(`GitHub has no example "${name}"`);
  return structuredClone(example["value"]);
}
