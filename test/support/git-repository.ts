import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";

/** One commit to be made. */
export interface CommitRequest {
  readonly message?: string;
  readonly parents?: readonly string[];
  /** What the file `README` says in it. */
  readonly text?: string;
  /** When it was made; else a second after the one before. */
  readonly at?: Date;
}

/** A real bare repository. The same calls give the same hashes. */
export interface GitRepository {
  /** `org/name.git` */
  readonly name: string;
  readonly path: string;
  /** Its address over HTTP. */
  readonly url: URL;
  /** Makes a commit that nothing leads to yet. */
  commit(request?: CommitRequest): Promise<string>;
  /** Makes a branch or moves it, wherever it was; null removes it. */
  branch(name: string, sha: string | null): Promise<void>;
  /** A tag that is only a name; null removes it. */
  tag(name: string, sha: string | null): Promise<void>;
  /** A tag with an object of its own, whose hash comes back. */
  annotatedTag(name: string, sha: string): Promise<string>;
  /** Any other name, such as `refs/pull/1/head`. */
  ref(name: string, sha: string): Promise<void>;
  /** Runs git on it, and returns what it printed. */
  git(args: readonly string[], input?: string | Buffer): Promise<string>;
}

const FIRST_COMMIT = Date.UTC(2026, 0, 1) / 1000;
const PERSON = { name: "Ana Test", email: "ana@example.com" };

/** Runs git with nobody's settings; fails with what it said. */
export function runTestGit(
  path: string,
  args: readonly string[],
  options: { readonly input?: string | Buffer; readonly seconds?: number } = {},
): Promise<string> {
  const date = `${options.seconds ?? FIRST_COMMIT} +0000`;
  const env = {
    PATH: process.env["PATH"],
    HOME: "/nonexistent",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_AUTHOR_NAME: PERSON.name,
    GIT_AUTHOR_EMAIL: PERSON.email,
    GIT_COMMITTER_NAME: PERSON.name,
    GIT_COMMITTER_EMAIL: PERSON.email,
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_DATE: date,
  };
  return new Promise((resolve, reject) => {
    const child = execFile("git", ["-C", path, ...args], { env, maxBuffer: 1 << 28 }, (error, out, said) => {
      if (error) reject(new Error(`git ${args.join(" ")}: ${said}`, { cause: error }));
      else resolve(out.trim());
    });
    child.stdin?.on("error", () => {}).end(options.input ?? "");
  });
}

/** Makes an empty bare repository in a new folder, with `main` as its branch. It serves filtered fetches. */
export async function makeGitRepository(
  where: { readonly name: string; readonly path: string; readonly url: URL },
  hash: "sha1" | "sha256" = "sha1",
): Promise<GitRepository> {
  const { path } = where;
  await mkdir(path, { recursive: true });
  let seconds = FIRST_COMMIT;
  const git = (args: readonly string[], input: string | Buffer = ""): Promise<string> =>
    runTestGit(path, args, { input, seconds });
  await git(["init", "--bare", "--quiet", "--initial-branch=main", `--object-format=${hash}`]);
  await git(["config", "uploadpack.allowFilter", "true"]);
  const set = async (name: string, sha: string | null): Promise<void> =>
    void (await git(sha === null ? ["update-ref", "-d", name] : ["update-ref", name, sha]));

  return {
    ...where,
    git,
    ref: set,
    branch: (name, sha) => set(`refs/heads/${name}`, sha),
    tag: (name, sha) => set(`refs/tags/${name}`, sha),
    commit: async ({ message = "Change", parents = [], text = message, at } = {}) => {
      seconds += 1;
      const blob = await git(["hash-object", "-w", "--stdin"], text);
      const tree = await git(["mktree"], `100644 blob ${blob}\tREADME\n`);
      const from = parents.flatMap((parent) => ["-p", parent]);
      const input = { input: message, seconds: at ? Math.floor(at.getTime() / 1000) : seconds };
      return runTestGit(path, ["commit-tree", tree, ...from, "-F", "-"], input);
    },
    annotatedTag: async (name, sha) => {
      await git(["tag", "--annotate", "--message", name, name, sha]);
      return git(["rev-parse", `refs/tags/${name}`]);
    },
  };
}
