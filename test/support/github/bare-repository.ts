import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { temporaryDirectory } from "../temporary-directory.ts";

const run = promisify(execFile);

/** What GitHub asks the git repository behind one of its repositories. */
export interface GitRefs {
  readonly defaultBranch: string;
  /** The full hash that a branch or tag of this name leads to; null when there is none. */
  commitOf(ref: string): Promise<string | null>;
}

const AUTHOR = {
  GIT_AUTHOR_NAME: "Mona",
  GIT_AUTHOR_EMAIL: "mona@example.com",
  GIT_COMMITTER_NAME: "Mona",
  GIT_COMMITTER_EMAIL: "mona@example.com",
};

const git = async (path: string, ...parts: readonly string[]): Promise<string> => {
  const env = {
    PATH: process.env["PATH"],
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_GLOBAL: "/dev/null",
    ...AUTHOR,
  };
  return (await run("git", ["--git-dir", path, ...parts], { env })).stdout.trim();
};

/** The branches and tags of a bare repository on the disk. */
export function bareRefs(path: string, defaultBranch: string): GitRefs {
  return {
    defaultBranch,
    commitOf: async (ref) => {
      const names = /^refs\/(heads|tags)\//.test(ref) ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`];
      for (const name of names) {
        const found = await git(
          path,
          "rev-parse",
          "--verify",
          "--quiet",
          "--end-of-options",
          `${name}^{commit}`,
        ).catch(() => "");
        if (found !== "") return found;
      }
      return null;
    },
  };
}

/** A bare repository of a test's own, made by plumbing. */
export interface BareRepository extends GitRefs {
  readonly path: string;
  /** Adds an empty commit to a branch, which it makes when it is not there. */
  commit(branch: string, message: string): Promise<string>;
  tag(name: string, commit: string): Promise<void>;
  remove(): Promise<void>;
}

/** Makes a bare repository with one commit on its default branch. */
export async function createBareRepository(defaultBranch: string = "main"): Promise<BareRepository> {
  const { path, remove } = await temporaryDirectory();
  await git(path, "init", "--quiet", "--bare", `--initial-branch=${defaultBranch}`, path);
  const refs = bareRefs(path, defaultBranch);
  const commit = async (branch: string, message: string): Promise<string> => {
    const tree = await git(path, "write-tree");
    const parent = await refs.commitOf(`refs/heads/${branch}`);
    const made = await git(
      path,
      "commit-tree",
      tree,
      "-m",
      message,
      ...(parent === null ? [] : ["-p", parent]),
    );
    await git(path, "update-ref", `refs/heads/${branch}`, made);
    return made;
  };
  await commit(defaultBranch, "begin");
  return {
    ...refs,
    path,
    commit,
    tag: async (name, target) => void (await git(path, "update-ref", `refs/tags/${name}`, target)),
    remove,
  };
}
