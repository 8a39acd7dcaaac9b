import { spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { TestCertificate } from "../../test/support/certificates.ts";
import { type SetImage, targetRepository } from "./image-set.ts";

/** A docker-registry of its own on loopback, open to all, with its storage in files. */
export interface BenchRegistry {
  readonly host: string;
  /** Where its files lie. */
  readonly folder: string;
  /** Present when it speaks https. */
  readonly certificate?: TestCertificate;
  /** Ends the process; the files stay. */
  stop(): Promise<void>;
}

/** Starts docker-registry on a free port; two of them may read the same folder. It logs errors alone. */
export async function startRegistry(folder: string, certificate?: TestCertificate): Promise<BenchRegistry> {
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const settings = `${folder}.${port}`;
  if (certificate) {
    await writeFile(`${settings}.pem`, certificate.certificatePem);
    await writeFile(`${settings}.key`, certificate.keyPem);
  }
  const tls = certificate ? `  tls: { certificate: ${settings}.pem, key: ${settings}.key }\n` : "";
  await writeFile(
    `${settings}.yml`,
    "version: 0.1\nlog: { level: error, accesslog: { disabled: true } }\n" +
      `storage: { filesystem: { rootdirectory: ${folder} }, delete: { enabled: true } }\n` +
      `http:\n  addr: 127.0.0.1:${port}\n  secret: bench\n${tls}`,
  );
  const child = spawn("docker-registry", ["serve", `${settings}.yml`], { stdio: "ignore" });
  const killWithUs = (): void => void child.kill("SIGKILL");
  process.once("exit", killWithUs);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  await untilListening(port);
  return {
    host: `127.0.0.1:${port}`,
    folder,
    ...(certificate && { certificate }),
    stop: async () => {
      child.kill("SIGKILL");
      await ended;
      process.removeListener("exit", killWithUs);
    },
  };
}

/** The file in which a docker-registry keeps a blob. */
export function blobFile({ folder }: BenchRegistry, digest: string): string {
  const hex = digest.slice("sha256:".length);
  return join(folder, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
}

/** Throws unless every image's tag in the registry, as its files say, names the digest it should. */
export function mustHold({ folder }: BenchRegistry, images: readonly SetImage[], namespace: string): void {
  for (const image of images) {
    const repository = join(folder, "docker/registry/v2/repositories", targetRepository(image, namespace));
    const found = readFileSync(join(repository, "_manifests/tags", image.tag, "current/link"), "utf8");
    if (found !== image.digest)
      throw new Error(`${image.repository} arrived as ${found}, and was sent as ${image.digest}`);
  }
}

/** Throws unless the registry keeps every one of these blobs. */
export function mustKeep(registry: BenchRegistry, digests: readonly string[]): void {
  const missing = digests.filter((digest) => !existsSync(blobFile(registry, digest)));
  if (missing.length > 0) throw new Error(`these blobs did not arrive: ${missing.join(", ")}`);
}

function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

const PATIENCE_MILLIS = 20_000;

async function untilListening(port: number): Promise<void> {
  const givesUpAt = Date.now() + PATIENCE_MILLIS;
  while (!(await accepts(port))) {
    if (Date.now() > givesUpAt) throw new Error(`docker-registry does not listen on port ${port}`);
    await sleep(20);
  }
}

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: "127.0.0.1" });
    const settle = (accepted: boolean): void => {
      socket.destroy();
      resolve(accepted);
    };
    socket.once("connect", () => settle(true));
    socket.once("error", () => settle(false));
  });
