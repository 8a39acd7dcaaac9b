import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { makeCertificate } from "./certificates.ts";
import { startTokenServer, type TokenServer, type TokenServerOptions } from "./token-server.ts";

/** A real docker-registry on loopback. */
export interface TestRegistry {
  readonly host: string;
  readonly username?: string;
  readonly password?: string;
  /** Present when it speaks https: trust this. */
  readonly caPem?: string;
  /** Present for token authentication. */
  readonly tokens?: TokenServer;
  /** `METHOD /path STATUS` of every request since the start, in the order of their ends. */
  readonly requests: readonly string[];
  stop(): Promise<void>;
}

export interface TestRegistryOptions {
  readonly auth: "open" | "htpasswd" | "token";
  readonly tls?: boolean;
  /** For `token`: what the token server does otherwise than by default. */
  readonly tokens?: Partial<TokenServerOptions>;
}

const USERNAME = "robot";
const PASSWORD = "let-me-in";
/** bcrypt of the password above. */
const HTPASSWD_LINE = "robot:$2y$05$wcNppSRZMycCWPg3TKh1seSA3UUInu31xBL6tk.1xnfV/a0l0Ojj2\n";

async function authLines(folder: string, tokens: TokenServer | null, auth: string): Promise<string> {
  if (auth === "htpasswd") {
    await writeFile(join(folder, "htpasswd"), HTPASSWD_LINE);
    return `auth: { htpasswd: { realm: test, path: ${join(folder, "htpasswd")} } }\n`;
  }
  if (!tokens) return "";
  await writeFile(join(folder, "issuer.pem"), tokens.certificate.certificatePem);
  const { realm, service, issuer } = tokens;
  const bundle = join(folder, "issuer.pem");
  return `auth: { token: { realm: "${realm}", service: ${service}, issuer: ${issuer}, rootcertbundle: ${bundle} } }\n`;
}

async function tlsLines(folder: string): Promise<{ lines: string; caPem: string }> {
  const certificate = makeCertificate("localhost");
  await writeFile(join(folder, "tls.pem"), certificate.certificatePem);
  await writeFile(join(folder, "tls.key"), certificate.keyPem);
  const lines = `  tls: { certificate: ${join(folder, "tls.pem")}, key: ${join(folder, "tls.key")} }\n`;
  return { lines, caPem: certificate.certificatePem };
}

/** The address that the registry took, read from its log. */
function listeningAddress(child: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    const log: string[] = [];
    if (!child.stderr) throw new Error("docker-registry has no log");
    createInterface({ input: child.stderr }).on("line", (line) => {
      log.push(line);
      const address = /msg="listening on ([^",]+)/.exec(line)?.[1];
      if (address) resolve(address);
    });
    child.once("error", reject);
    child.once("exit", () => reject(new Error(`docker-registry did not start:\n${log.join("\n")}`)));
  });
}

/** Starts a real docker-registry on a free loopback port, with deletion allowed. */
export async function startRegistry(options: TestRegistryOptions): Promise<TestRegistry> {
  const folder = await mkdtemp(join(tmpdir(), "headgate-registry-"));
  const tokens =
    options.auth === "token"
      ? await startTokenServer({ username: USERNAME, password: PASSWORD, ...options.tokens })
      : null;
  const tls = options.tls ? await tlsLines(folder) : null;
  await writeFile(
    join(folder, "config.yml"),
    "version: 0.1\nlog: { level: info }\n" +
      `storage: { filesystem: { rootdirectory: ${join(folder, "data")} }, delete: { enabled: true } }\n` +
      `http:\n  addr: 127.0.0.1:0\n  secret: test\n${tls?.lines ?? ""}` +
      (await authLines(folder, tokens, options.auth)),
  );
  const child = spawn("docker-registry", ["serve", join(folder, "config.yml")], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const requests: string[] = [];
  createInterface({ input: child.stdout }).on("line", (line) => {
    const [, method, path, status] = /"([A-Z]+) (\S+) HTTP\/[\d.]+" (\d+)/.exec(line) ?? [];
    if (method) requests.push(`${method} ${path} ${status}`);
  });
  const host = await listeningAddress(child);
  return {
    host,
    requests,
    ...(options.auth === "open" ? {} : { username: USERNAME, password: PASSWORD }),
    ...(tls ? { caPem: tls.caPem } : {}),
    ...(tokens ? { tokens } : {}),
    stop: async () => {
      process.removeListener("exit", killWithUs);
      const ended = new Promise((resolve) => child.once("exit", resolve));
      if (child.kill("SIGKILL")) await ended;
      await tokens?.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
