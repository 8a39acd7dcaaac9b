import type { GitEnd } from "./run-git.ts";

/** Runs git on a mirror as it lies here. */
export type RunLocally = (args: readonly string[], input?: string) => Promise<GitEnd>;

/** What a mirror knows of the beginning of a hash. `several`: branches and tags lead to more than one such commit. */
export type Found =
  | { readonly kind: "commit"; readonly sha: string }
  | { readonly kind: "none" | "left" | "several" };

/** Git could not read the mirror. */
export class DamagedMirrorError extends Error {
  override readonly name = "DamagedMirrorError";
}

/** More commits than this of one beginning are ambiguous without a look at each. */
const MOST_CANDIDATES = 16;

async function linesOf(run: RunLocally, args: readonly string[], input?: string): Promise<string[]> {
  const { code, stdout, stderr } = await run(args, input);
  if (code !== 0) throw new DamagedMirrorError(`git ${args[0]} cannot read the mirror: ${stderr}`);
  return stdout.split("\n").filter((line) => line !== "");
}

/** All commits whose hash begins so. Names are not looked at: to git itself a branch of that name would come first. */
async function commitsThatBegin(run: RunLocally, prefix: string): Promise<string[]> {
  const ids = await linesOf(run, ["rev-parse", `--disambiguate=${prefix}`]);
  if (ids.length === 0) return [];
  const types = await linesOf(
    run,
    ["cat-file", "--batch-check=%(objectname) %(objecttype)"],
    `${ids.join("\n")}\n`,
  );
  if (types.some((line) => line.endsWith(" missing")))
    throw new DamagedMirrorError("an object cannot be read");
  return types.filter((line) => line.endsWith(" commit")).map((line) => line.split(" ", 1).join());
}

/**
 * Whether a branch or a tag leads to the commit. One walk from all of them is quick however many there are, but where
 * commits have wrong times it may miss one, so its no is asked again from each of them.
 */
async function isReachable(run: RunLocally, sha: string): Promise<boolean> {
  const walk = ["rev-list", "--topo-order", "--max-count=1", sha, "--not", "--branches", "--tags"];
  if ((await linesOf(run, walk)).length === 0) return true;
  const each = [
    "for-each-ref",
    "--count=1",
    `--contains=${sha}`,
    "--format=%(refname)",
    "refs/heads/",
    "refs/tags/",
  ];
  return (await linesOf(run, each)).length > 0;
}

/** The one commit that branches or tags lead to and whose hash begins so. Throws DamagedMirrorError. */
export async function findCommit(run: RunLocally, prefix: string): Promise<Found> {
  const candidates = await commitsThatBegin(run, prefix);
  if (candidates.length > MOST_CANDIDATES) return { kind: "several" };
  const reachable: string[] = [];
  for (const sha of candidates) if (await isReachable(run, sha)) reachable.push(sha);
  const [sha] = reachable;
  if (reachable.length > 1) return { kind: "several" };
  if (sha !== undefined) return { kind: "commit", sha };
  return { kind: candidates.length > 0 ? "left" : "none" };
}
