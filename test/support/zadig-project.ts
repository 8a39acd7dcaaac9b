import type { Client, SendOptions } from "./server.ts";
import { valueAt } from "./server.ts";
import type { TestRegistry } from "./registries.ts";

/** Makes a project; its key is also its name. */
export async function makeProject(server: Client, key: string): Promise<void> {
  const answer = await server.send("POST", "/v1/projects", { body: { key, name: key } });
  if (answer.status !== 201) throw new Error(`project ${key}: ${answer.status} ${answer.text}`);
}

/** Makes a connection to a test registry, shared with these projects; returns its id. */
export async function connect(
  server: Client,
  registry: TestRegistry,
  connection: { readonly name: string; readonly projects: readonly string[]; readonly namespace?: string },
): Promise<string> {
  const body = {
    ...connection,
    host: registry.host,
    plainHttp: registry.caPem === undefined,
    allowPrivate: true,
    caPem: registry.caPem ?? null,
    username: registry.username ?? null,
    password: registry.password ?? null,
  };
  const answer = await server.send("POST", "/v1/connections", { body });
  if (answer.status !== 201)
    throw new Error(`connection ${connection.name}: ${answer.status} ${answer.text}`);
  if (registry.tokens) await confirmTokenHost(server, connection.name);
  return String(valueAt(answer.json, "id"));
}

async function confirmTokenHost(server: Client, name: string): Promise<void> {
  const body = { confirmTokenHost: true };
  const answer = await server.send("POST", `/v1/connections/${name}/test`, { body });
  if (answer.status !== 200) throw new Error(`test of ${name}: ${answer.status} ${answer.text}`);
}

/** Makes a user with a role in a project (null: none) and a token; returns the token. */
export async function makeCaller(
  server: Client,
  name: string,
  project: string,
  role: string | null,
): Promise<string> {
  const must = async (method: string, path: string, body: unknown): Promise<unknown> => {
    const answer = await server.send(method, path, { body });
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${answer.text}`);
    return answer.json;
  };
  await must("POST", "/v1/users", { name, password: "a long enough password" });
  if (role !== null) await must("PUT", `/v1/projects/${project}/roles/${name}`, { role });
  const signedIn = await server.send("POST", "/v1/sign-in", {
    body: { name, password: "a long enough password", client: "test" },
    token: null,
  });
  return String(valueAt(signedIn.json, "text"));
}

export const RELEASES = "/openapi/delivery/releases";

/** A create body that pushes nothing and so succeeds at once; `changes` are laid over it. */
export const plainBody = (changes: Readonly<Record<string, unknown>> = {}) => ({
  project_key: "shop",
  version_name: "v1",
  source: "manual",
  desc: "",
  labels: [],
  services: [],
  ...changes,
});

export const create = (server: Client, body: unknown, options: SendOptions = {}) =>
  server.send("POST", `${RELEASES}/k8s`, { body, ...options });

/** Waits until a version is done, and returns its detail in all its names. */
export async function settled(server: Client, version: string, project = "shop"): Promise<unknown> {
  for (;;) {
    const path = `${RELEASES}/detail?projectKey=${project}&versionName=${encodeURIComponent(version)}`;
    const { status, json, text } = await server.send("GET", path);
    if (status !== 200) throw new Error(`detail of ${version}: ${status} ${text}`);
    const word = valueAt(json, "status");
    if (word === "success" || word === "failed") return json;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
