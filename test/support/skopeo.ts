import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { RegistryAddress } from "./images.ts";

/** Runs skopeo and returns what it printed; fails with what it said. It keeps no sign-ins and no caches. */
export function skopeo(...args: readonly string[]): Promise<Buffer> {
  const home = join(tmpdir(), `headgate-skopeo-${process.pid}`);
  const env = {
    ...process.env,
    HOME: home,
    XDG_RUNTIME_DIR: home,
    REGISTRY_AUTH_FILE: join(home, "auth.json"),
  };
  return new Promise((resolve, reject) => {
    execFile(
      "skopeo",
      ["--insecure-policy", ...args],
      { encoding: "buffer", env, maxBuffer: 64 * 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`skopeo ${args.join(" ")}: ${stderr.toString()}`, { cause: error }));
        else resolve(stdout);
      },
    );
  });
}

/** The flags with which skopeo reaches a test registry; `side` is `src-`, `dest-` or nothing for inspect. */
export function skopeoAccess(registry: RegistryAddress, side: "src-" | "dest-" | "" = ""): string[] {
  const { username, password } = typeof registry === "string" ? {} : registry;
  const flags = [`--${side}tls-verify=false`];
  return username ? [...flags, `--${side}creds=${username}:${password}`] : flags;
}

/** The manifest or index behind a reference (`:tag` or `@digest`), byte for byte, as skopeo sees it. */
export function skopeoManifest(
  registry: RegistryAddress,
  repository: string,
  reference: string,
): Promise<Buffer> {
  const host = typeof registry === "string" ? registry : registry.host;
  return skopeo("inspect", "--raw", ...skopeoAccess(registry), `docker://${host}/${repository}${reference}`);
}

/**
 * Pulls an image with everything under it into a folder and checks every digest on the way, as a client that
 * runs the image would.
 */
export async function skopeoPull(
  registry: RegistryAddress,
  repository: string,
  reference: string,
  folder: string,
): Promise<void> {
  const host = typeof registry === "string" ? registry : registry.host;
  const image = `docker://${host}/${repository}${reference}`;
  await skopeo("copy", "--all", ...skopeoAccess(registry, "src-"), image, `dir:${folder}`);
}
