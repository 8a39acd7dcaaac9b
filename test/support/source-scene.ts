import { createHash } from "node:crypto";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  createSourceHosts,
  type SourceHostsOptions,
} from "../../src/connectors/source-hosts/git/git-source-hosts.ts";
import type { SourceHosts, SourceTarget } from "../../src/connectors/source-hosts/source-host.ts";
import type { TestCertificate } from "./certificates.ts";
import type { GitRepository } from "./git-repository.ts";
import { type GitServer, startGitServer } from "./git-server.ts";
import { temporaryDirectory } from "./temporary-directory.ts";

/** A git server, and an empty data directory with the way to read from it. */
export interface SourceScene {
  readonly server: GitServer;
  readonly directory: string;
  readonly hosts: SourceHosts;
  /** Another process's view, as far as memory goes: the same directory, nothing remembered. */
  another(options?: Partial<SourceHostsOptions>): SourceHosts;
  /** How the connection `code` reads a repository of the server. */
  target(repository: Pick<GitRepository, "url">, changes?: Partial<SourceTarget>): SourceTarget;
  /** Folders of all repositories that are mirrored. */
  mirrors(): Promise<string[]>;
  stop(): Promise<void>;
}

/** Starts a scene; over https with a certificate. */
export async function makeSourceScene(
  options: Partial<SourceHostsOptions> = {},
  certificate?: TestCertificate,
): Promise<SourceScene> {
  const server = await startGitServer(certificate);
  const folder = await temporaryDirectory();
  const opened: SourceHosts[] = [];
  const another = (changes: Partial<SourceHostsOptions> = {}): SourceHosts => {
    const hosts = createSourceHosts({ directory: folder.path, ...options, ...changes });
    opened.push(hosts);
    return hosts;
  };
  return {
    server,
    directory: folder.path,
    hosts: another(),
    another,
    target: ({ url }, changes = {}) => ({
      name: "code",
      url,
      plainHttp: certificate === undefined,
      allowPrivate: true,
      caPem: certificate?.certificatePem ?? null,
      credentials: null,
      ...changes,
    }),
    mirrors: async () => {
      const root = join(folder.path, "mirrors");
      return (await readdir(root)).map((name) => join(root, name, "repository"));
    },
    stop: async () => {
      for (const hosts of opened) await hosts.close();
      await server.stop();
      await folder.remove();
    },
  };
}

/** Three commits on `main`, the middle one also on the branch `old` and under the tag `v1`. */
export async function makeHistory(repository: GitRepository): Promise<[string, string, string]> {
  const first = await repository.commit({ message: "First" });
  const second = await repository.commit({ message: "Second", parents: [first] });
  const third = await repository.commit({ message: "Third", parents: [second] });
  await repository.branch("main", third);
  await repository.branch("old", second);
  await repository.tag("v1", second);
  return [first, second, third];
}

/** A git object's hash, and its content without the header. */
interface GitObject {
  readonly sha: string;
  readonly content: string;
}

const objectOf = (type: string, content: string): GitObject => ({
  sha: createHash("sha1")
    .update(`${type} ${Buffer.byteLength(content)}\0${content}`)
    .digest("hex"),
  content,
});

const DAY = "Ana Test <ana@example.com> 1767225600 +0000";

/** Two commits, or a commit and a tag's object, whose hashes begin with the same seven digits. Written by nobody yet. */
export function findTwins(tree: string, parent: string, kind: "commit" | "tag"): [GitObject, GitObject] {
  const commits = new Map<string, GitObject>();
  const others = kind === "commit" ? commits : new Map<string, GitObject>();
  for (let number = 0; ; number += 1) {
    const commitText = `tree ${tree}\nparent ${parent}\nauthor ${DAY}\ncommitter ${DAY}\n\nTwin ${number}\n`;
    const commit = objectOf("commit", commitText);
    const tagText = `object ${parent}\ntype commit\ntag twin\ntagger ${DAY}\n\nTwin ${number}\n`;
    const other = kind === "commit" ? commit : objectOf("tag", tagText);
    const twin = others.get(commit.sha.slice(0, 7));
    if (twin) return [commit, twin];
    commits.set(commit.sha.slice(0, 7), commit);
    const commitTwin = kind === "tag" && commits.get(other.sha.slice(0, 7));
    if (commitTwin) return [commitTwin, other];
    others.set(other.sha.slice(0, 7), other);
  }
}
