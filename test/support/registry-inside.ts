import Fastify from "fastify";
import { type Dispatcher, Pool } from "undici";
import * as z from "zod";
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

const Token = z.string();

/** Api tokens by role in `shop`; `outsider` is admin of `other` alone, `root` a system admin. */
export const RegistryTokens = z.object({
  viewer: Token,
  releaser: Token,
  approver: Token,
  admin: Token,
  outsider: Token,
  root: Token,
});
export type RegistryTokens = z.output<typeof RegistryTokens>;

/** A plain client of the registry inside. */
export interface RegistryClient {
  readonly url: string;
  readonly tokens: RegistryTokens;
  readonly send: (method: Dispatcher.HttpMethod, path: string, sending?: Sending) => Promise<Reply>;
  /** Pushes bytes as a blob; returns its digest. */
  readonly pushBlob: (repository: string, content: string | Buffer, token?: string) => Promise<string>;
  readonly pushManifest: (
    repository: string,
    reference: string,
    manifest: TestContent,
    token?: string,
  ) => Promise<Reply>;
  readonly close: () => Promise<void>;
}

/** The registry inside, listening on loopback, with the projects `shop` and `other`. */
export interface TestRegistryInside extends RegistryClient {
  readonly host: string;
  readonly stop: () => Promise<void>;
}

/** `Basic` with any user name. */
export const basic = (token: string): string => `Basic ${Buffer.from(`any:${token}`).toString("base64")}`;

async function makeTokens(ctx: Context): Promise<RegistryTokens> {
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

/** A client of the registry at this address. */
export function clientOf(url: string, tokens: RegistryTokens): RegistryClient {
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
    url,
    tokens,
    send,
    pushBlob: async (repository, content, token = tokens.releaser) => {
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
    close: () => pool.destroy(),
  };
}

/** Starts it over this context; `given` are the tokens of an earlier start on the same data. */
export async function startRegistryInside(ctx: Context, given?: RegistryTokens): Promise<TestRegistryInside> {
  const tokens = given ?? (await makeTokens(ctx));
  const app = Fastify({ genReqId: () => newId(new Date()), forceCloseConnections: true });
  const authenticate = createAuthenticator({ adminToken: null });
  let url = "";
  await app.register(oci(ctx, { authenticate, publicUrl: () => url }), { prefix: "/v2" });
  url = await app.listen({ port: 0, host: "127.0.0.1" });
  const client = clientOf(url, tokens);
  return {
    ...client,
    host: new URL(url).host,
    stop: async () => {
      await client.close();
      await app.close();
    },
  };
}
