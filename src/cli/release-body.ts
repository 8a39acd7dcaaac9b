import { readFile } from "node:fs/promises";
import type * as z from "zod";
import type { CreateRelease } from "../api/contract/releases.ts";
import { misuse } from "./failure.ts";
import { readImageOption } from "./image-option.ts";
import { type ReferrersOption, referrersField } from "./options.ts";
import { readStandardInput } from "./prompt.ts";

type Body = z.input<typeof CreateRelease.body>;
type Service = NonNullable<Body["services"]>[number];
type Image = NonNullable<Service["images"]>[number];

/** What `headgate release create` was told. */
export interface CreateOptions extends ReferrersOption {
  readonly file?: string;
  readonly project?: string;
  readonly version?: string;
  readonly registry?: string;
  readonly image?: string[];
  readonly yaml?: string[];
  readonly from?: string;
  readonly description?: string;
  readonly label?: string[];
}

/** The project and the body of the request: from a file, from flags, or from a file with flags over it. */
export async function releaseBody(options: CreateOptions): Promise<{ project: string; body: Body }> {
  const { project: projectInFile, ...fromFile } =
    options.file === undefined ? {} : await readBody(options.file);
  const project = options.project ?? projectInFile;
  const body = { ...fromFile, ...(await bodyFromFlags(options)) };
  if (typeof project !== "string") throw misuse("say which project: --project <key>");
  if (!("version" in body)) throw misuse("say which version: --version <text>");
  // A file may say anything; the server names what is wrong in it.
  return { project, body: body as Body };
}

async function bodyFromFlags(options: CreateOptions): Promise<Partial<Body>> {
  const services = await servicesOf(options.image ?? [], options.yaml ?? []);
  return {
    ...(options.version !== undefined && { version: options.version }),
    ...(options.registry !== undefined && { targetConnection: options.registry }),
    ...(options.from !== undefined && { source: "release", originalVersion: options.from }),
    ...(options.description !== undefined && { description: options.description }),
    ...(options.label !== undefined && { labels: options.label }),
    ...referrersField(options),
    ...(services.length > 0 && { services }),
  };
}

/** Services in the order in which the flags name them first. */
async function servicesOf(images: readonly string[], yamls: readonly string[]): Promise<Service[]> {
  const services = new Map<string, { name: string; yaml: string; images: Image[] }>();
  const serviceNamed = (name: string) => {
    const service = services.get(name) ?? { name, yaml: "", images: [] as Image[] };
    services.set(name, service);
    return service;
  };
  for (const text of images) {
    const { service, container, source, target, push } = readImageOption(text);
    serviceNamed(service).images.push({
      containerName: container,
      sourceImage: source,
      targetImage: target,
      push,
    });
  }
  for (const text of yamls) {
    const [, name, file] = /^([^=]+)=(.+)$/.exec(text) ?? [];
    if (name === undefined || file === undefined)
      throw misuse(`--yaml is "${text}"; it has the form service=file`);
    serviceNamed(name).yaml = await readFile(file, "utf8");
  }
  return [...services.values()];
}

async function readBody(file: string): Promise<Record<string, unknown>> {
  const text = file === "-" ? await readStandardInput() : await readFile(file, "utf8");
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw misuse(`${file} is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw misuse(`${file} must hold a JSON object, the body of POST /v1/projects/:project/releases`);
  return { ...value };
}
