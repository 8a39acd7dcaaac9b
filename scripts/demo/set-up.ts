import { CreateConnection, GetConnection, TestConnection } from "../../src/api/contract/connections.ts";
import { CreateProject } from "../../src/api/contract/projects.ts";
import { GrantRole } from "../../src/api/contract/roles.ts";
import { CreateToken } from "../../src/api/contract/tokens.ts";
import { CreateUser } from "../../src/api/contract/users.ts";
import type { DemoServer } from "./demo-server.ts";
import type { RegistryAddress } from "./registry-client.ts";

/** The project's key on both servers, and its part of their registries. */
export const PROJECT = "headgate-demo";
const BUILDER = "builder";

/** The registry inside a server as its clients see it: the project's own part, with a token as the password. */
export const registryInside = (server: DemoServer, token: string): RegistryAddress => ({
  host: server.host,
  namespace: PROJECT,
  plainHttp: true,
  credentials: { username: BUILDER, password: token },
});

/** The project that owns the images and releases. */
export const createProject = (server: DemoServer): Promise<unknown> =>
  server.client.call(CreateProject, { body: { key: PROJECT, name: "Headgate demo" } });

/** A user of the build server who may push to the project, with one token that may and one that may only pull. */
export async function createBuilder(server: DemoServer): Promise<{ pushToken: string; pullToken: string }> {
  const { client } = server;
  await client.call(CreateUser, { body: { name: BUILDER } });
  await client.call(GrantRole, { params: { project: PROJECT, user: BUILDER }, body: { role: "releaser" } });
  const tokenFor = async (name: string, role: string): Promise<string> => {
    const body = { name, scopes: [`${PROJECT}:${role}`], user: BUILDER };
    const { text } = await client.call(CreateToken, { body });
    return text ?? "";
  };
  return {
    pushToken: await tokenFor("push images", "releaser"),
    pullToken: await tokenFor("production reads", "viewer"),
  };
}

/** Makes a connection to a registry, shared with the project alone, and tries it. Returns its id. */
export async function connect(server: DemoServer, name: string, address: RegistryAddress): Promise<string> {
  const { host, namespace, plainHttp, credentials } = address;
  const { id } = await server.client.call(CreateConnection, {
    body: {
      name,
      host,
      namespace,
      plainHttp,
      allowPrivate: true,
      projects: [PROJECT],
      ...(credentials && { username: credentials.username, password: credentials.password }),
    },
  });
  // Whoever named the registry on the command line trusts it to say where its tokens are made.
  const { check } = await server.client.call(TestConnection, {
    params: { connection: id },
    body: { confirmTokenHost: true },
  });
  if (!check.authenticated) throw new Error(`the connection to ${host} does not work: ${check.message}`);
  return id;
}

/** The id of a server's connection to the registry inside. */
export const builtInConnection = async (server: DemoServer): Promise<string> =>
  (await server.client.call(GetConnection, { params: { connection: "built-in" } })).id;
