import { isIP } from "node:net";
import { resolve } from "node:path";
import * as z from "zod";
import { RegistryHost } from "./connections/connection.ts";
import { StartError } from "./kernel/errors.ts";

/** One setting: its variable, how its text is read, and what the reference page says of it. */
interface Setting<T> {
  readonly variable: string;
  /** As a person reads it; empty: none. */
  readonly standard: string;
  readonly meaning: string;
  readonly schema: z.ZodType<T>;
}

const setting = <T>(
  variable: string,
  standard: string,
  meaning: string,
  schema: z.ZodType<T>,
): Setting<T> => ({
  variable,
  standard,
  meaning,
  schema,
});

const text = (fallback: string) => z.string().min(1).default(fallback);
const optional = z.string().min(1).nullable().default(null);
const flag = z
  .enum(["true", "false"], "must be true or false")
  .default("false")
  .transform((value) => value === "true");
const wholeNumber = (min: number, max: number) =>
  z
    .string()
    .regex(/^\d{1,9}$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .refine((value) => value >= min && value <= max, `must be a whole number from ${min} to ${max}`);

const isOrigin = (value: string): boolean => {
  const { username, pathname, search, hash } = new URL(value);
  return pathname === "/" && username + search + hash === "";
};
const publicUrl = z
  .url({
    protocol: /^https?$/,
    error: "must be an http or https address such as https://headgate.example.com",
    abort: true,
  })
  .refine(isOrigin, "must have no user, path or query")
  .refine(
    (value) => RegistryHost.safeParse(new URL(value).host).success,
    "must have a host with a dot or a port in it, for image references begin with it",
  )
  .transform((value) => new URL(value).origin)
  .nullable()
  .default(null);

/** An address, or a network such as 10.0.0.0/8. */
function isNetwork(part: string): boolean {
  const [, address = "", bits = "0"] = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(part) ?? [];
  const longest = { 0: -1, 4: 32, 6: 128 }[isIP(address)] ?? -1;
  return Number(bits) <= longest;
}
const trustProxy = z
  .string()
  .transform((value) => value.split(",").map((part) => part.trim()))
  .refine(
    (parts) => parts.join() === "true" || parts.join() === "false" || parts.every(isNetwork),
    "must be true, false, or addresses and networks with commas between them",
  )
  .transform((parts) => (parts.join() === "true" ? true : parts.join() === "false" ? false : parts))
  .default(false);

/** Every setting of the server, once. The reference page is made from this table. */
export const SETTINGS = {
  port: setting(
    "HEADGATE_PORT",
    "7420",
    "the port to listen on; 0 takes any free one",
    wholeNumber(0, 65_535).default(7420),
  ),
  host: setting("HEADGATE_HOST", "127.0.0.1", "the address to listen on", text("127.0.0.1")),
  publicUrl: setting(
    "HEADGATE_PUBLIC_URL",
    "http://<host>:<port>",
    "where users and registries' clients reach this server; image references of the registry inside begin with its host",
    publicUrl,
  ),
  trustProxy: setting(
    "HEADGATE_TRUST_PROXY",
    "false",
    "whose X-Forwarded-For is believed: true (of the one proxy in front), false, or addresses and networks of all proxies",
    trustProxy,
  ),
  dataDirectory: setting(
    "HEADGATE_DATA_DIR",
    "./data",
    "where the embedded database, the registry inside and the key file lie",
    text("./data").transform((path) => resolve(path)),
  ),
  adminToken: setting(
    "HEADGATE_ADMIN_TOKEN",
    "",
    "a token with all rights, of 32 characters or more; for automation",
    z.string().min(32, "must have 32 characters or more").nullable().default(null),
  ),
  keyFile: setting(
    "HEADGATE_KEY_FILE",
    "<data directory>/headgate.key",
    "the key that seals stored secrets: one line of base64, 32 bytes, mode 0600; needed with PostgreSQL",
    optional,
  ),
  databaseUrl: setting(
    "DATABASE_URL",
    "",
    "a PostgreSQL to use instead of the embedded database: postgres://user:password@host/name",
    z
      .string()
      .regex(/^postgres(ql)?:\/\//, "must begin with postgres://")
      .nullable()
      .default(null),
  ),
  sharedFiles: setting(
    "HEADGATE_SHARED_FILES",
    "false",
    "with PostgreSQL: all replicas see the same data directory, so the registry inside may be used",
    flag,
  ),
  backupDirectory: setting(
    "HEADGATE_BACKUP_DIR",
    "<data directory>/backups",
    "where backups go; on the disk of the data directory they share its files, elsewhere they are copies",
    optional.transform((path) => (path === null ? null : resolve(path))),
  ),
  commandsFile: setting(
    "HEADGATE_COMMANDS_FILE",
    "",
    "a file with the programs that deploy workflows may run on this machine; without it they run none",
    optional.transform((path) => (path === null ? null : resolve(path))),
  ),
  openMetrics: setting("HEADGATE_OPEN_METRICS", "false", "answer /metrics without a token", flag),
  metricsPort: setting(
    "HEADGATE_METRICS_PORT",
    "",
    "the port on which a worker answers /metrics, /healthz and /readyz; without it a worker listens nowhere",
    wholeNumber(0, 65_535).nullable().default(null),
  ),
  logLevel: setting(
    "HEADGATE_LOG_LEVEL",
    "info",
    "what is logged: fatal, error, warn, info, debug, trace or silent",
    z.enum(["fatal", "error", "warn", "info", "debug", "trace", "silent"]).default("info"),
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type Config = {
  readonly [Name in keyof typeof SETTINGS]: z.output<(typeof SETTINGS)[Name]["schema"]>;
};

/** Reads every setting. Throws StartError with one line for the first unusable value; an empty one counts as not set. */
export function readConfig(environment: Readonly<Record<string, string | undefined>>): Config {
  const entries = Object.entries(SETTINGS).map(([name, { variable, schema }]) => {
    const value = environment[variable];
    const result = schema.safeParse(value === "" ? undefined : value);
    if (!result.success)
      throw new StartError(`${variable} ${result.error.issues[0]?.message ?? "is not usable"}`);
    return [name, result.data];
  });
  return Object.fromEntries(entries) as Config;
}
