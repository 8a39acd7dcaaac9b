import { execFileSync } from "node:child_process";
import { cpus, release, totalmem } from "node:os";

/** The other programs that a benchmark runs: how each tells its version, and which Debian package brings it. */
const PARTS = {
  bash: { ask: ["--version"], package: "bash" },
  curl: { ask: ["--version"], package: "curl" },
  "docker-registry": { ask: ["--version"], package: "docker-registry" },
  skopeo: { ask: ["--version"], package: "skopeo" },
} as const;
export type Part = keyof typeof PARTS;

/** What a figure was taken on and with, by name. */
export type Surroundings = Readonly<Record<string, string>>;

/** The machine and the versions of the programs. Throws with the way to install them when some are missing. */
export function surroundingsWith(parts: readonly Part[]): Surroundings {
  const versions = parts.map((part) => [part, versionOf(part)] as const);
  const missing = versions.filter(([, version]) => version === null).map(([part]) => part);
  if (missing.length > 0) {
    const packages = missing.map((part) => PARTS[part].package).join(" ");
    throw new Error(
      `not installed here: ${missing.join(", ")}. On Debian: apt-get install -y --no-install-recommends ${packages}`,
    );
  }
  const processors = cpus();
  return {
    date: new Date().toISOString(),
    machine: `${processors.length} cores of ${processors[0]?.model ?? "an unknown kind"}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    node: process.version,
    ...Object.fromEntries(versions),
  };
}

function versionOf(part: Part): string | null {
  try {
    const [line = ""] = execFileSync(part, PARTS[part].ask, { encoding: "utf8" }).split("\n");
    return /\d+\.\d+\S*/.exec(line)?.[0] ?? line;
  } catch {
    return null;
  }
}
