import { afterAll, beforeAll, expect, it } from "vitest";
import { recordedEvents, testContext } from "../../test/support/context.ts";
import { eachEngine } from "../../test/support/databases.ts";
import { createBareRepository, type BareRepository } from "../../test/support/github/bare-repository.ts";
import { githubScene, type GithubScene, SCENE_TOKEN } from "../../test/support/github/github-scene.ts";
import { describeWith } from "../../test/support/real-parts.ts";
import { makeHistory, makeSourceScene, type SourceScene } from "../../test/support/source-scene.ts";
import { createConnection } from "./create-connection.ts";
import { testConnection } from "./test-connection.ts";

const draft = { plainHttp: true, allowPrivate: true };
const sentence = (part: string): string => expect.stringContaining(part) as string;

describeWith(["git"], "testing a connection to repositories and to a GitHub", () => {
  let source: SourceScene;
  let bare: BareRepository;
  let github: GithubScene;
  beforeAll(async () => {
    source = await makeSourceScene();
    await makeHistory(await source.server.repository("acme/web.git"));
    bare = await createBareRepository();
    github = await githubScene(bare);
  });
  afterAll(async () => {
    await source.stop();
    await github.close();
    await bare.remove();
  });

  eachEngine((engine) => {
    async function begin() {
      const { db } = await engine.open();
      const plain = testContext(db);
      const ctx = { ...plain, connectors: { ...plain.connectors, sourceHosts: source.hosts } };
      const { host } = source.server;
      await createConnection(ctx, { ...draft, name: "code", kind: "git", host });
      const hub = { ...draft, kind: "github" as const, host: github.github.host };
      await createConnection(ctx, { ...hub, name: "hub", password: SCENE_TOKEN });
      await createConnection(ctx, { ...hub, name: "wrong", password: "github_pat_of_nobody" });
      await createConnection(ctx, { ...hub, name: "open" });
      const check = async (connection: string, repository: string | null = null) =>
        (await testConnection(ctx, { connection, repository })).check;
      return { db, ctx, check };
    }

    it("reads one repository of a host, and says so when there is none or nobody answers", async () => {
      const { ctx, check } = await begin();
      expect(await check("code", "acme/web")).toEqual({
        reachable: true,
        authenticated: true,
        tokenHost: null,
        message: "acme/web can be read",
      });
      expect(await check("code", "acme/none")).toMatchObject({
        reachable: true,
        authenticated: false,
        message: sentence("acme/none"),
      });
      await createConnection(ctx, { ...draft, name: "nobody", kind: "git", host: "127.0.0.1:9" });
      expect(await check("nobody", "acme/web")).toMatchObject({ reachable: false, authenticated: false });
      // Nothing is fetched for it, and nothing stays.
      expect(await source.mirrors()).toEqual([]);
    });

    it("signs in where the host asks for it, with the password of the connection", async () => {
      const { ctx, check } = await begin();
      const credentials = { username: "robot", password: "a password of robots" };
      source.server.requireSignIn(credentials);
      try {
        expect(await check("code", "acme/web")).toMatchObject({ reachable: true, authenticated: false });
        const { host } = source.server;
        await createConnection(ctx, { ...draft, ...credentials, name: "signed", kind: "git", host });
        expect(await check("signed", "acme/web")).toMatchObject({ reachable: true, authenticated: true });
      } finally {
        source.server.requireSignIn(null);
      }
    });

    it("says that a host of repositories is tried with one of them, and a registry without", async () => {
      const { ctx, check } = await begin();
      await createConnection(ctx, { ...draft, name: "images", host: "127.0.0.1:9" });
      await expect(check("code")).rejects.toMatchObject({
        code: "INPUT_INVALID",
        message: sentence("name one: org/name"),
      });
      await expect(check("images", "acme/web")).rejects.toMatchObject({ code: "INPUT_INVALID" });
    });

    it("signs in at a GitHub, which costs no call of its limit, and shows no token", async () => {
      const { db, check } = await begin();
      const { remaining } = github.github.limits;
      expect(await check("hub")).toEqual({
        reachable: true,
        authenticated: true,
        tokenHost: null,
        message: `It takes the token; ${remaining} of 5000 calls are left in this hour`,
      });
      expect(await check("wrong")).toMatchObject({
        reachable: true,
        authenticated: false,
        message: sentence("Bad credentials"),
      });
      expect(await check("open")).toMatchObject({
        reachable: true,
        authenticated: false,
        message: sentence("There is no token"),
      });
      expect(github.github.limits.remaining).toBe(remaining);
      const events = (await recordedEvents(db)).filter(({ kind }) => kind === "connection.tested");
      expect(events).toHaveLength(3);
      expect(JSON.stringify(events)).not.toContain(SCENE_TOKEN);
    });

    it("tells a GitHub from what is none, and from a server where nobody limits calls", async () => {
      const { check } = await begin();
      const { faults } = github.github;
      const headers = { "content-type": "application/json" };
      const body = JSON.stringify({ message: "Rate limiting is not enabled." });
      faults.disturb(/rate_limit/, { kind: "refuse", status: 404, body, headers }, 1);
      expect(await check("hub")).toMatchObject({
        authenticated: true,
        message: "It takes the token; it limits no calls",
      });
      faults.disturb(/rate_limit/, { kind: "refuse", status: 404, body: "<html>", headers: {} }, 1);
      expect(await check("hub")).toMatchObject({
        reachable: true,
        authenticated: false,
        message: sentence("does not seem to be a GitHub"),
      });
    });
  });
});
