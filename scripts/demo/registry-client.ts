import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { request } from "undici";
import * as z from "zod";

/** A registry, the path below which the demonstration works there, and how to sign in. */
export interface RegistryAddress {
  readonly host: string;
  readonly namespace: string;
  readonly plainHttp: boolean;
  /** Null: anonymous. */
  readonly credentials: { readonly username: string; readonly password: string } | null;
}

/** What is pushed under a digest: a layer or a configuration. */
export interface Blob {
  readonly digest: string;
  readonly sizeBytes: number;
  readonly open: () => Readable | Buffer;
}

/** A manifest as it goes over the wire. */
export interface Manifest {
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** The few calls of the OCI distribution API that pushing and checking need. Each throws an Error in plain words. */
export interface RegistryClient {
  /** The size that the registry states for the blob; null: it is not there. */
  blobSize(repository: string, digest: string): Promise<number | null>;
  /** Takes the blob over from another repository of the same registry; false: the registry would not. */
  mountBlob(repository: string, digest: string, from: string): Promise<boolean>;
  pushBlob(repository: string, blob: Blob): Promise<void>;
  pushManifest(repository: string, tag: string, manifest: Manifest): Promise<void>;
  /** What a tag leads to: by the registry's word, and by the bytes it sends; null: nothing. */
  readTag(repository: string, tag: string): Promise<{ stated: string; bytes: Buffer } | null>;
}

/** As registries name bytes. */
export const digestOf = (bytes: Buffer): string =>
  `sha256:${createHash("sha256").update(bytes).digest("hex")}`;

type Method = "GET" | "HEAD" | "POST" | "PUT";
interface Call {
  readonly headers?: Readonly<Record<string, string>>;
  /** Made anew for each attempt. */
  readonly body?: () => Readable | Buffer;
  readonly expect: readonly number[];
}
interface Answer {
  readonly status: number;
  readonly bytes: Buffer;
  header(name: string): string | null;
}

/**
 * A client of its own, on purpose: what it finds at the target does not rest on the code that did the copy.
 * Its token is for all of `repositories` at once, so that blobs can be mounted among them.
 */
export function openRegistryClient(
  address: RegistryAddress,
  actions: "pull" | "pull,push",
  repositories: readonly string[],
): RegistryClient {
  const origin = `${address.plainHttp ? "http" : "https"}://${address.host}`;
  const scopes = repositories.map((repository) => `repository:${repository}:${actions}`);
  let authorization: string | null = null;

  async function call(method: Method, path: string, { headers = {}, body, expect }: Call): Promise<Answer> {
    const url = new URL(path, origin).href;
    const once = (): Promise<Answer> =>
      exchange(method, url, body?.(), { ...headers, ...(authorization !== null && { authorization }) });
    let answer = await once();
    if (answer.status === 401) {
      authorization = await signIn(address, answer.header("www-authenticate") ?? "", scopes);
      answer = await once();
    }
    if (expect.includes(answer.status)) return answer;
    const reason = answer.bytes.toString().slice(0, 300);
    throw new Error(`${method} ${url} answered ${answer.status}${reason === "" ? "" : `: ${reason}`}`);
  }

  return {
    async blobSize(repository, digest) {
      const answer = await call("HEAD", `/v2/${repository}/blobs/${digest}`, { expect: [200, 307, 404] });
      return answer.status === 404 ? null : Number(answer.header("content-length") ?? 0);
    },
    async mountBlob(repository, digest, from) {
      const query = new URLSearchParams({ mount: digest, from });
      const answer = await call("POST", `/v2/${repository}/blobs/uploads/?${query.toString()}`, {
        expect: [201, 202],
      });
      return answer.status === 201;
    },
    async pushBlob(repository, { digest, sizeBytes, open }) {
      const begun = await call("POST", `/v2/${repository}/blobs/uploads/`, { expect: [202] });
      const place = new URL(begun.header("location") ?? "", origin);
      place.searchParams.set("digest", digest);
      const headers = { "content-type": "application/octet-stream", "content-length": String(sizeBytes) };
      await call("PUT", place.href, { headers, body: open, expect: [201] });
    },
    async pushManifest(repository, tag, { mediaType, bytes }) {
      const headers = { "content-type": mediaType };
      await call("PUT", `/v2/${repository}/manifests/${tag}`, { headers, body: () => bytes, expect: [201] });
    },
    async readTag(repository, tag) {
      const path = `/v2/${repository}/manifests/${tag}`;
      const headers = { accept: "application/vnd.oci.image.manifest.v1+json" };
      const head = await call("HEAD", path, { headers, expect: [200, 404] });
      if (head.status === 404) return null;
      const { bytes } = await call("GET", path, { headers, expect: [200] });
      return { stated: head.header("docker-content-digest") ?? "", bytes };
    },
  };
}

async function exchange(
  method: Method,
  url: string,
  body: Readable | Buffer | undefined,
  headers: Readonly<Record<string, string>>,
): Promise<Answer> {
  try {
    const reply = await request(url, { method, headers, body: body ?? null });
    return {
      status: reply.statusCode,
      bytes: Buffer.from(await reply.body.arrayBuffer()),
      header: (name) => {
        const value = reply.headers[name];
        return (Array.isArray(value) ? value[0] : value) ?? null;
      },
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${method} ${url} got no answer: ${reason}`, { cause: error });
  }
}

/** What to show after a 401: the password itself, or a token bought with it (distribution token specification). */
async function signIn(
  address: RegistryAddress,
  challenge: string,
  scopes: readonly string[],
): Promise<string> {
  const basic = basicOf(address);
  const realm = /^bearer.*\brealm="([^"]+)"/i.exec(challenge)?.[1];
  if (realm === undefined) {
    if (basic === null) throw refusalOf(address);
    return basic;
  }
  const url = new URL(realm);
  const service = /\bservice="([^"]+)"/.exec(challenge)?.[1];
  if (service !== undefined) url.searchParams.set("service", service);
  for (const scope of scopes) url.searchParams.append("scope", scope);
  const answer = await exchange("GET", url.href, undefined, basic === null ? {} : { authorization: basic });
  if (answer.status !== 200) throw refusalOf(address);
  const reply = Token.parse(JSON.parse(answer.bytes.toString()));
  return `Bearer ${reply.token ?? reply.access_token ?? ""}`;
}

const Token = z.object({ token: z.string().optional(), access_token: z.string().optional() });

const basicOf = ({ credentials }: RegistryAddress): string | null =>
  credentials && `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString("base64")}`;

const refusalOf = ({ host, credentials }: RegistryAddress): Error =>
  new Error(`${host} refuses ${credentials ? `the user ${credentials.username}` : "callers without a user"}`);
