import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

type Json = Record<string, unknown>;

interface Examples {
  readonly name: string;
  readonly examples: readonly Json[];
}

/** What examples show of a value: its types, and of an object its members. */
interface Shape {
  readonly types: Set<string>;
  readonly members: Map<string, { readonly shape: Shape; seen: number }>;
  objects: number;
}

const isObject = (value: unknown): value is Json =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const typeOf = (value: unknown): string =>
  value === null ? "null" : Array.isArray(value) ? "array" : typeof value;

const emptyShape = (): Shape => ({ types: new Set(), members: new Map(), objects: 0 });

function learn(shape: Shape, value: unknown): void {
  shape.types.add(typeOf(value));
  if (!isObject(value)) return;
  shape.objects += 1;
  for (const [key, member] of Object.entries(value)) {
    const known = shape.members.get(key) ?? { shape: emptyShape(), seen: 0 };
    known.seen += 1;
    learn(known.shape, member);
    shape.members.set(key, known);
  }
}

function faults(shape: Shape, value: unknown, path: string): string[] {
  const type = typeOf(value);
  // Examples that show nothing but null say nothing of the type.
  const known = shape.types.has(type) || (shape.types.size === 1 && shape.types.has("null"));
  if (!known) return [`${path} is ${type} and not ${[...shape.types].join(" or ")}`];
  if (!isObject(value)) return [];
  const missing = [...shape.members]
    .filter(([key, { seen }]) => seen === shape.objects && !(key in value))
    .map(([key]) => `${path}.${key} is missing`);
  const others = Object.entries(value).flatMap(([key, member]) => {
    const inner = shape.members.get(key);
    return inner ? faults(inner.shape, member, `${path}.${key}`) : [`${path}.${key} is unknown`];
  });
  return [...missing, ...others];
}

let loaded: readonly Examples[] | undefined;

/** Those of the newest form: older ones lack what runs show today. */
function examplesOf(event: string): Json[] {
  const path = require.resolve("@octokit/webhooks-examples/api.github.com/index.json");
  loaded ??= JSON.parse(readFileSync(path, "utf8")) as readonly Examples[];
  const examples = loaded.find(({ name }) => name === event)?.examples ?? [];
  return examples.filter((example) => !isObject(example[event]) || "display_title" in example[event]);
}

const shapes = new Map<string, Shape>();

function shapeOf(event: string): Shape {
  const known = shapes.get(event);
  if (known) return known;
  const shape = emptyShape();
  for (const example of examplesOf(event)) learn(shape, example);
  shapes.set(event, shape);
  return shape;
}

/** How a webhook's body differs from all of GitHub's own examples of that event; null when it does not. */
export function webhookFault(event: string, body: unknown): string | null {
  const found = faults(shapeOf(event), body, event);
  return found.length === 0 ? null : found.join(", ");
}

/** One of GitHub's own examples, to fill in what a test does not care about. */
export function webhookExample(event: string, action: string): Json {
  const example = examplesOf(event).find((one) => one["action"] === action);
  if (!example) throw new Error(`GitHub has no example of ${event} ${action}`);
  return structuredClone(example);
}
