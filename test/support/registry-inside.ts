import { once } from "node:events";
import type { AddressInfo } from "node:net";
import Fastify from "fastify";
import { type Dispatcher, Pool } from "undici";
import { createApiToken } from "../../src/access/create-api-token.ts";
import { createAuthenticator } from "../../src/access/authenticate.ts";
import { createUser } from "../../src/access/create-user.ts";
import { grantRole } from "../../src/access/grant-role.ts";
import type { Role } from "../../src/access/role.ts";
import type { Context } from "../../src/context.ts";
import { oci } from "../../src/dialects/oci/routes.ts";
import { digestOf } from "../../src/kernel/digest.ts";
import { newId } from "../../src/kernel/id.ts";
import { createProject } from "../../src/projects/create-project.ts";
import type { TestContent } from "./images.ts";

export interface Reply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
  readonly text: string;
  /** The code of the first error in the body; null when there is none. */
  readonly error: string | null;
}

export interface Sending {
  /** An api token as the password of Basic; null: no Authorization. The releaser's when not given. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Dispatcher.DispatchOptions["body"];
}

/** The registry inside, listening on loopback, with the projects `shop` and `other`. */
export interface TestRegistryInside {
  readonly host: string;
  readonly url: string;
  /** Api tokens by role in `shop`; `outsider` is admin of `other` alone, `root` a system admin. */
  readonly tokens: Readonly<Record<Role | "outsider" | "root", string>>;
  send(method: Dispatcher.HttpMethod, path: string, sending?: Sending): Promise<Reply>;
  /** Pushes bytes as a blob; returns its digest. */
  pushBlob(repository: string, content: string | Buffer, token?: string): Promise<string>;
  pushManifest(repository: string, reference: string, manifest: TestContent, token?: string): Promise<Reply>;
  readonly stop: () => Promise<void>;
}

/** `Basic` with any user name. */
export const basic = (token: string): string => `Basic ${Buffer.from(`any:${token}`).toString("base64")}`;

async function makeTokens(ctx: Context): Promise<TestRegistryInside["tokens"]> {
  await createProject(ctx, { key: "shop", name: "Shop" });
  await createProject(ctx, { key: "other", name: "Other" });
  const tokenOf = async (name: string, projectKey: string | null, role: Role): Promise<string> => {
    await createUser(ctx, { name, systemAdmin: projectKey === null });
    if (projectKey !== null) await grantRole(ctx, { projectKey, user: name, role });
    return (await createApiToken(ctx, { name: "test", scopes: ["full"], user: name })).text;
  };
  return {
    viewer: await tokenOf("viewer", "shop", "viewer"),
    releaser: await tokenOf("releaser", "shop", "releaser"),
    approver: await tokenOf("approver", "shop", "approver"),
    admin: await tokenOf("admin", "shop", "admin"),
    outsider: await tokenOf("outsider", "other", "admin"),
    root: await tokenOf("root", null, "admin"),
  };
}

function errorIn(text: string): string | null {
  try {
    return (JSON.parse(text) as { errors?: { code: string }[] }).errors?.[0]?.code ?? null;
  } catch {
    return null;
  }
}

/** Starts it over this context; `tokens` of an earlier start on the same data are taken over. */
export async function startRegistryInside(
  ctx: Context,
  options: { readonly tokens?: TestRegistryInside["tokens"]; readonly port?: number } = {},
): Promise<TestRegistryInside> {
  const tokens = options.tokens ?? (await makeTokens(ctx));
  const app = Fastify({ genReqId: () => newId(new Date()), forceCloseConnections: true });
  const authenticate = createAuthenticator({ adminToken: null });
  let url = "";
  await app.register(oci(ctx, { authenticate, publicUrl: () => url }), { prefix: "/v2" });
  app.server.listen(options.port ?? 0, "127.0.0.1");
  await Promise.all([app.ready(), once(app.server, "listening")]);
  const host = `127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  url = `http://${host}`;
  const pool = new Pool(url);

  async function send(method: Dispatcher.HttpMethod, path: string, sending: Sending = {}): Promise<Reply> {
    const { token = tokens.releaser, headers = {}, body = null } = sending;
    const authorization = token === null ? {} : { authorization: basic(token) };
    // The path goes out as it is, also with dots in it.
    const reply = await pool.request({ path, method, headers: { ...authorization, ...headers }, body });
    const bytes = Buffer.from(await reply.body.arrayBuffer());
    const found = Object.entries(reply.headers).map(([name, value]) => [name, String(value)] as const);
    const text = bytes.toString();
    return {
      status: reply.statusCode,
      headers: Object.fromEntries(found),
      bytes,
      text,
      error: errorIn(text),
    };
  }

  return {
    host,
    url,
    tokens,
    send,
    async pushBlob(repository, content, token = tokens.releaser) {
      const digest = digestOf(content);
      const path = `/v2/${repository}/blobs/uploads/?digest=${digest}`;
      const reply = await send("POST", path, { token, body: content });
      if (reply.status !== 201) throw new Error(`blob: ${reply.status} ${reply.text}`);
      return digest;
    },
    pushManifest: (repository, reference, manifest, token = tokens.releaser) =>
      send("PUT", `/v2/${repository}/manifests/${reference}`, {
        token,
        headers: { "content-type": manifest.mediaType },
        body: manifest.bytes,
      }),
    stop: async () => {
      await pool.destroy();
      await app.close();
    },
  };
}
