import { readConfig } from "../../src/config.ts";
import { type RunningServer, startServer } from "../../src/compose.ts";
import type { DatabaseOptions } from "../../src/storage/database.ts";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { temporaryDirectory } from "./temporary-directory.ts";

/** Sends requests to a server; a body that is an object goes as JSON, one that is a text as it is. */
export interface Client {
  send(method: string, path: string, options?: SendOptions): Promise<Answer>;
}

/** A whole Headgate in this process, listening on loopback. */
export interface TestServer extends RunningServer, Client {
  /** A token with all rights. */
  readonly adminToken: string;
  /** Stops it and starts it again on the same data. */
  restart(): Promise<TestServer>;
}

export interface SendOptions {
  readonly body?: unknown;
  /** Null: none. The admin's when not given. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body as JSON; null when it is none. */
  readonly json: unknown;
}

/** What `headgate serve` is told to run on this database; its files lie beside an embedded one, else in a folder of their own. */
export async function settingsFor(options: DatabaseOptions) {
  return {
    HEADGATE_PORT: "0",
    HEADGATE_ADMIN_TOKEN: randomBytes(24).toString("hex"),
    HEADGATE_SHARED_FILES: "true",
    ...(await placeOf(options)),
  };
}

async function placeOf(options: DatabaseOptions): Promise<Record<string, string>> {
  if (options.kind === "embedded") return { HEADGATE_DATA_DIR: options.directory };
  const { path } = await temporaryDirectory();
  const keyFile = join(path, "key");
  await writeFile(keyFile, `${Buffer.alloc(32, "test").toString("base64")}\n`, { mode: 0o600 });
  return { DATABASE_URL: options.url, HEADGATE_DATA_DIR: path, HEADGATE_KEY_FILE: keyFile };
}

/** Starts a server on this database. */
export const startTestServer = async (
  options: DatabaseOptions,
  settings: Readonly<Record<string, string>> = {},
): Promise<TestServer> =>
  startWith({ HEADGATE_LOG_LEVEL: "silent", ...(await settingsFor(options)), ...settings });

async function startWith(
  settings: Readonly<Record<string, string>> & { readonly HEADGATE_ADMIN_TOKEN: string },
): Promise<TestServer> {
  const server = await startServer(readConfig(settings));
  return {
    ...server,
    ...clientOf(server.url, settings.HEADGATE_ADMIN_TOKEN),
    adminToken: settings.HEADGATE_ADMIN_TOKEN,
    restart: async () => {
      await server.stop();
      return startWith(settings);
    },
  };
}

/** Speaks to the server at this address, with this token unless told otherwise. */
export const clientOf = (url: string, token: string): Client => ({
  send: (method, path, options = {}) => send(`${url}${path}`, method, token, options),
});

async function send(url: string, method: string, adminToken: string, options: SendOptions): Promise<Answer> {
  const { body, token = adminToken, headers = {} } = options;
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(url, {
    method,
    headers: {
      ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      ...(text === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    ...(text === undefined ? {} : { body: text }),
  });
  const received = await answer.text();
  return { status: answer.status, headers: answer.headers, text: received, json: jsonOf(received) };
}

/** What lies at this path of an answer. */
export const valueAt = (json: unknown, ...path: readonly (string | number)[]): unknown =>
  path.reduce<unknown>((value, key) => (value as Readonly<Record<string | number, unknown>>)[key], json);

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return null;
  }
}
