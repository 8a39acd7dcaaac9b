import { afterAll, beforeAll, expect, it } from "vitest";
import type { ResolvedCommit } from "../../src/connectors/source-hosts/source-host.ts";
import { markTransaction } from "../../src/kernel/transaction-scope.ts";
import { makeCertificate } from "../support/certificates.ts";
import type { GitRepository } from "../support/git-repository.ts";
import { describeWith } from "../support/real-parts.ts";
import { findTwins, makeHistory, makeSourceScene, type SourceScene } from "../support/source-scene.ts";

describeWith(["git"], "what a text that names a commit resolves to", () => {
  let scene: SourceScene;
  let repository: GitRepository;
  let first: string;
  let second: string;
  let third: string;
  const resolve = (text: string, of = repository): Promise<ResolvedCommit> =>
    scene.hosts.resolveCommit(scene.target(of), text);
  const invalid = (text: unknown) => ({ kind: "invalid", text });

  beforeAll(async () => {
    scene = await makeSourceScene();
    repository = await scene.server.repository("team/shop.git");
    [first, second, third] = await makeHistory(repository);
  });
  afterAll(() => scene.stop());

  it("is the commit of a full hash, of its first seven digits or more, in small letters or large ones", async () => {
    const texts = [third, third.toUpperCase(), third.slice(0, 7), third.slice(0, 12), third.slice(0, 39)];
    for (const text of texts) expect(await resolve(text)).toEqual({ kind: "commit", sha: third });
    expect(await resolve(first)).toEqual({ kind: "commit", sha: first });
  });

  it("costs the host one fetch, and nothing once the commit is here", async () => {
    await resolve(second);
    const before = scene.server.calls.length;
    await resolve(second.slice(0, 9));
    expect(scene.server.calls.length).toBe(before);
  });

  it.for([
    "zzz",
    "main",
    "v1",
    "HEAD",
    "",
    "abcdef",
    "0".repeat(65),
    "--upload-pack=touch /tmp/x",
    "HEAD~1",
    "deadbee\n",
    "deadbee\0",
    "@{u}",
    "\ud800",
  ])("is nothing for %j, which is no hash, and the host is not asked", async (text) => {
    const before = scene.server.calls.length;
    expect(await resolve(text)).toEqual(invalid(expect.stringContaining("is not the hash of a commit")));
    expect(scene.server.calls.length).toBe(before);
  });

  it.for(["0".repeat(40), "f".repeat(64), "a".repeat(41), "1234567"])(
    "is nothing for %s, which no commit has, after one more fetch",
    async (text) => {
      const before = scene.server.fetches();
      expect(await resolve(text)).toEqual(invalid(`no commit of team/shop.git begins with ${text}`));
      expect(scene.server.fetches()).toBe(before + 1);
    },
  );

  it("is never a branch or a tag, whatever it is called", async () => {
    await repository.branch("deadbeef", third);
    await repository.tag("cafecafe", third);
    await repository.branch(first, third);
    await repository.branch(second.slice(0, 8), third);
    expect((await resolve("deadbeef")).kind).toBe("invalid");
    expect((await resolve("cafecafe")).kind).toBe("invalid");
    expect(await resolve(first)).toEqual({ kind: "commit", sha: first });
    expect(await resolve(second.slice(0, 8))).toEqual({ kind: "commit", sha: second });
  });

  it("is no tag's object, no tree and no blob, but the commit under the tag", async () => {
    const tagged = await repository.commit({ message: "Only under a tag", parents: [third] });
    const tag = await repository.annotatedTag("v2", tagged);
    const tree = await repository.git(["rev-parse", `${third}^{tree}`]);
    const blob = await repository.git(["rev-parse", `${third}:README`]);
    await repository.tag("a-tree", tree);
    await repository.tag("a-blob", blob);
    for (const sha of [tag, tree, blob])
      expect(await resolve(sha)).toEqual(invalid(expect.stringContaining("no commit")));
    expect(await resolve(tagged)).toEqual({ kind: "commit", sha: tagged });
    expect(await resolve(first)).toEqual({ kind: "commit", sha: first });
  });

  it("is no commit that only a request to merge leads to", async () => {
    const proposed = await repository.commit({ message: "Proposed", parents: [third] });
    await repository.ref("refs/pull/1/head", proposed);
    expect((await resolve(proposed)).kind).toBe("invalid");
  });

  it("is found when it was pushed after the last look, and gone after a forced push", async () => {
    const late = await repository.commit({ message: "Late", parents: [third] });
    expect((await resolve(late)).kind).toBe("invalid");
    await repository.branch("main", late);
    expect(await resolve(late.slice(0, 10))).toEqual({ kind: "commit", sha: late });
    const other = await repository.commit({ message: "In its place", parents: [third] });
    await repository.branch("main", other);
    expect(await resolve(other)).toEqual({ kind: "commit", sha: other });
    expect(await resolve(late)).toEqual(
      invalid(`no branch or tag of team/shop.git leads to the commit ${late}`),
    );
    await repository.branch("again", late);
    expect(await resolve(late)).toEqual({ kind: "commit", sha: late });
  });

  it("is found where the times of commits run backwards", async () => {
    const at = (year: number): Date => new Date(Date.UTC(year, 0, 1));
    const other = await scene.server.repository("team/clocks.git");
    let tip = await other.commit({ message: "Root", at: at(2020) });
    const wanted = await other.commit({ message: "Wanted", parents: [tip], at: at(2025) });
    tip = wanted;
    for (let year = 1999; year > 1987; year -= 1)
      tip = await other.commit({ message: `Of ${year}`, parents: [tip], at: at(year) });
    await other.branch("main", tip);
    expect(await resolve(wanted, other)).toEqual({ kind: "commit", sha: wanted });
  });

  it("is nothing when several commits begin so, and the commit when the others are no commits or lead nowhere", async () => {
    const other = await scene.server.repository("team/twins.git");
    const root = await other.commit({ message: "Root" });
    const tree = await other.git(["rev-parse", `${root}^{tree}`]);
    const write = (type: string, content: string): Promise<string> =>
      other.git(["hash-object", "-t", type, "-w", "--stdin"], content);
    const [one, two] = findTwins(tree, root, "commit");
    for (const { content } of [one, two]) await write("commit", content);
    await other.branch("one", one.sha);
    await other.branch("two", two.sha);
    const beginning = one.sha.slice(0, 7);
    expect(await resolve(beginning, other)).toEqual(
      invalid(`several commits of team/twins.git begin with ${beginning}`),
    );
    expect(await resolve(two.sha, other)).toEqual({ kind: "commit", sha: two.sha });
    await other.branch("two", null);
    expect(await resolve(beginning, other)).toEqual({ kind: "commit", sha: one.sha });
    const [commit, tag] = findTwins(tree, root, "tag");
    await write("commit", commit.content);
    await write("tag", tag.content);
    await other.branch("three", commit.sha);
    await other.tag("twin", tag.sha);
    expect(await resolve(commit.sha.slice(0, 7), other)).toEqual({ kind: "commit", sha: commit.sha });
  });

  it("is found in a repository that names its objects by SHA-256", async () => {
    const other = await scene.server.repository("team/new.git", "sha256");
    const [, , tip] = await makeHistory(other);
    expect(tip).toHaveLength(64);
    expect(await resolve(tip, other)).toEqual({ kind: "commit", sha: tip });
    expect(await resolve(tip.slice(0, 7), other)).toEqual({ kind: "commit", sha: tip });
    expect((await resolve(tip.slice(0, 40), other)).kind).toBe("commit");
  });

  it("is found with names of branches and tags that look like options, commands or paths", async () => {
    const other = await scene.server.repository("team/odd.git");
    const root = await other.commit({ message: "Root" });
    for (const name of ["-x", "--upload-pack=touch", "HEAD", "$(touch)", "ü/ö", "refs/heads/main", "a;b|c&d"])
      await other.ref(`refs/heads/${name}`, root);
    await other.ref("refs/tags/--exec", root);
    await other.git(["symbolic-ref", "HEAD", "refs/heads/of-nothing"]);
    expect(await resolve(root, other)).toEqual({ kind: "commit", sha: root });
  });

  it("is nothing in an empty repository, and found when the first commit is there", async () => {
    const other = await scene.server.repository("team/empty.git");
    expect((await resolve("abcdef0", other)).kind).toBe("invalid");
    const [tip] = await makeHistory(other);
    expect(await resolve(tip, other)).toEqual({ kind: "commit", sha: tip });
  });

  it.for([
    ["takes no filter at all", [["uploadpack.allowFilter", "false"]]],
    ["takes only the weaker filter", [["uploadpackfilter.tree.allow", "false"]]],
    ["refuses each filter", [["uploadpackfilter.allow", "false"]]],
  ] as const)("is found on a host that %s", async ([words, settings]) => {
    const other = await scene.server.repository(`team/${words.replaceAll(" ", "-")}.git`);
    for (const [name, value] of settings) await other.git(["config", name, value]);
    const [, , tip] = await makeHistory(other);
    expect(await resolve(tip, other)).toEqual({ kind: "commit", sha: tip });
    const next = await other.commit({ message: "Next", parents: [tip] });
    await other.branch("main", next);
    expect(await resolve(next, other)).toEqual({ kind: "commit", sha: next });
  });

  it("is asked for over https, with the certificate that the connection trusts", async () => {
    const secure = await makeSourceScene({}, makeCertificate("localhost"));
    try {
      const other = await secure.server.repository("team/shop.git");
      const [, , tip] = await makeHistory(other);
      const target = secure.target(other);
      expect(await secure.hosts.resolveCommit(target, tip)).toEqual({ kind: "commit", sha: tip });
      const distrusting = { ...target, name: "other", caPem: null };
      await expect(secure.hosts.resolveCommit(distrusting, tip)).rejects.toMatchObject({
        name: "ExternalSystemError",
        retryable: false,
        message: `connecting to ${secure.server.host}: the certificate is not trusted`,
      });
    } finally {
      await secure.stop();
    }
  });

  it("is not asked for inside a database transaction", async () => {
    await expect(markTransaction(() => resolve(third))).rejects.toThrow("inside a database transaction");
  });
});
