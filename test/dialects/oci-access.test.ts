import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openFileStorage } from "../../src/storage/file-storage.ts";
import { testContext } from "../support/context.ts";
import { eachEngine } from "../support/databases.ts";
import { createRegistryToken } from "../../src/repositories/create-registry-token.ts";
import { readScopes } from "../../src/repositories/registry-token.ts";
import { revokeApiToken } from "../../src/access/revoke-api-token.ts";
import { readTokenText } from "../../src/access/api-token.ts";
import type { Context } from "../../src/context.ts";
import { basic, startRegistryInside, type TestRegistryInside } from "../support/registry-inside.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

interface TokenReply {
  readonly token?: string;
  readonly access_token: string;
  readonly expires_in: number;
}

eachEngine((engine) => {
  describe("access to the registry inside", () => {
    let ctx: Context;
    let registry: TestRegistryInside;
    let now = new Date();
    let digest: string;
    const tidy: (() => Promise<void>)[] = [];

    beforeAll(async () => {
      const { db } = await engine.open();
      const folder = await temporaryDirectory();
      ctx = testContext(db, { files: await openFileStorage(folder.path), now: () => now });
      registry = await startRegistryInside(ctx);
      tidy.push(folder.remove, registry.stop);
      digest = await registry.pushBlob("shop/api", "a layer");
      await registry.pushBlob("shop/web", "another layer");
    });
    afterAll(async () => {
      for (const step of tidy.toReversed()) await step();
    });

    const bearer = (token: string) => ({ token: null, headers: { authorization: `Bearer ${token}` } });
    const askByGet = (query: string, token: string | null) =>
      registry.send("GET", `/v2/token${query}`, { token });
    const askByPost = (form: Record<string, string>) =>
      registry.send("POST", "/v2/token", {
        token: null,
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams(form).toString(),
      });
    const tokenFor = async (scope: string, token: string): Promise<string> => {
      const reply = await askByGet(`?service=headgate&scope=${scope}`, token);
      expect(reply.status).toBe(200);
      return (JSON.parse(reply.text) as TokenReply).access_token;
    };
    const blob = (repository = "shop/api"): string => `/v2/${repository}/blobs/${digest}`;

    it("needs a token everywhere, and says where to get one for what", async () => {
      const realm = `Bearer realm="${registry.url}/v2/token",service="headgate"`;
      const challenges: ["GET" | "HEAD" | "POST" | "DELETE", string, string][] = [
        ["GET", "/v2/", realm],
        ["GET", "/v2", realm],
        ["GET", "/v2/_catalog", `${realm},scope="registry:catalog:*"`],
        ["GET", blob(), `${realm},scope="repository:shop/api:pull"`],
        ["HEAD", "/v2/nowhere/api/manifests/1", `${realm},scope="repository:nowhere/api:pull"`],
        ["POST", "/v2/shop/api/blobs/uploads/", `${realm},scope="repository:shop/api:pull,push"`],
        ["DELETE", "/v2/shop/api/manifests/1", `${realm},scope="repository:shop/api:delete"`],
        ["GET", "/v2/Shop%22/manifests/1", realm],
      ];
      for (const [method, path, challenge] of challenges) {
        const reply = await registry.send(method, path, { token: null });
        expect({ path, challenge: reply.headers["www-authenticate"] }).toEqual({ path, challenge });
        expect(reply).toMatchObject({ status: 401, error: method === "HEAD" ? null : "UNAUTHORIZED" });
        expect(reply.headers["docker-distribution-api-version"]).toBe("registry/2.0");
      }
    });

    it("takes an api token as the password of Basic, with any user name, or as Bearer", async () => {
      const { viewer } = registry.tokens;
      expect(await registry.send("GET", "/v2/", { token: viewer })).toMatchObject({
        status: 200,
        text: "{}",
      });
      expect((await registry.send("GET", blob(), bearer(viewer))).text).toBe("a layer");
      const nobody = Buffer.from(`:${viewer}`).toString("base64");
      const headers = { authorization: `basic ${nobody}` };
      expect((await registry.send("GET", blob(), { token: null, headers })).status).toBe(200);
    });

    it("is refused with a wrong token, a wrong scheme or a broken header", async () => {
      const { viewer } = registry.tokens;
      const changed = viewer.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
      for (const authorization of [
        basic(changed),
        basic("password"),
        basic(""),
        `Bearer ${changed}`,
        "Bearer hgr.nonsense",
        "Bearer",
        `Digest ${viewer}`,
        `Basic ${Buffer.from(viewer).toString("base64")}`,
      ]) {
        const reply = await registry.send("GET", blob(), { token: null, headers: { authorization } });
        expect({ authorization, status: reply.status, error: reply.error }).toEqual({
          authorization,
          status: 401,
          error: "UNAUTHORIZED",
        });
        expect(reply.headers["www-authenticate"]).toContain('error="invalid_token"');
      }
    });

    it("is given by tokens of five minutes, asked for by GET or by form", async () => {
      const { viewer } = registry.tokens;
      const byGet = await askByGet("?service=headgate&scope=repository:shop/api:pull", viewer);
      expect(byGet).toMatchObject({ status: 200, headers: { "cache-control": "no-store" } });
      const byPassword = await askByPost({
        grant_type: "password",
        username: "any",
        password: viewer,
        scope: "repository:shop/api:pull",
      });
      const byRefresh = await askByPost({
        grant_type: "refresh_token",
        refresh_token: viewer,
        scope: "repository:shop/api:pull",
      });
      for (const reply of [byGet, byPassword, byRefresh]) {
        const { access_token, expires_in } = JSON.parse(reply.text) as TokenReply;
        expect(expires_in).toBe(300);
        expect(access_token).not.toContain(viewer);
        expect((await registry.send("GET", blob(), bearer(access_token))).text).toBe("a layer");
      }
      expect((JSON.parse(byGet.text) as TokenReply).token).toBeDefined();
    });

    it("is not given to those who show nothing, something wrong, or another registry token", async () => {
      const scope = "repository:shop/api:pull";
      const registryToken = await tokenFor(scope, registry.tokens.viewer);
      const refused = [
        await askByGet(`?scope=${scope}`, null),
        await askByGet(`?scope=${scope}`, "hg_nonsense"),
        await askByGet(`?scope=${scope}`, registryToken),
        await askByPost({ grant_type: "password", username: "any", password: "wrong", scope }),
        await askByPost({ grant_type: "refresh_token", refresh_token: registryToken, scope }),
        await askByPost({ grant_type: "password", scope }),
      ];
      for (const reply of refused)
        expect(reply).toMatchObject({
          status: 401,
          error: "UNAUTHORIZED",
          headers: { "www-authenticate": 'Basic realm="headgate"' },
        });
      expect(await askByPost({ grant_type: "magic" })).toMatchObject({ status: 400, error: "UNSUPPORTED" });
      expect(await askByPost({ grant_type: "x".repeat(100_000) })).toMatchObject({ status: 413 });
      expect(await registry.send("DELETE", "/v2/token")).toMatchObject({ status: 405, error: "UNSUPPORTED" });
    });

    it("is only as wide as the token's scopes, whatever its user may do", async () => {
      const { admin, viewer } = registry.tokens;
      const pullOnly = await tokenFor("repository:shop/api:pull", admin);
      expect((await registry.send("GET", blob(), bearer(pullOnly))).status).toBe(200);
      const narrow = [
        await registry.send("POST", "/v2/shop/api/blobs/uploads/", bearer(pullOnly)),
        await registry.send("DELETE", blob(), bearer(pullOnly)),
        await registry.send("GET", blob("shop/web"), bearer(pullOnly)),
        await registry.send("GET", "/v2/_catalog", bearer(pullOnly)),
      ];
      for (const reply of narrow) {
        expect(reply).toMatchObject({ status: 401, error: "UNAUTHORIZED" });
        expect(reply.headers["www-authenticate"]).toContain('error="insufficient_scope"');
      }
      const all = await tokenFor("repository:shop/api:*", viewer);
      const begun = await registry.send("POST", "/v2/shop/api/blobs/uploads/", bearer(all));
      expect(begun).toMatchObject({ status: 403, error: "DENIED" });
      const catalog = await tokenFor("registry:catalog:*", viewer);
      expect((await registry.send("GET", "/v2/_catalog", bearer(catalog))).text).toContain("shop/api");
    });

    it("mounts only from repositories that the token may pull from", async () => {
      const path = `/v2/shop/mounted/blobs/uploads/?mount=${digest}&from=shop/api`;
      const { releaser } = registry.tokens;
      const one = await tokenFor("repository:shop/mounted:pull,push", releaser);
      expect(await registry.send("POST", path, bearer(one))).toMatchObject({ status: 202 });
      const both = await tokenFor(
        "repository:shop/mounted:pull,push&scope=repository:shop/api:pull",
        releaser,
      );
      expect(await registry.send("POST", path, bearer(both))).toMatchObject({ status: 201 });
    });

    it("ends with the five minutes, with the api token, and with any change to the token's text", async () => {
      const scope = "repository:shop/api:pull";
      const { approver, viewer } = registry.tokens;
      const token = await tokenFor(scope, viewer);
      const middle = token.length - 20;
      const changed = `${token.slice(0, middle)}${token[middle] === "A" ? "B" : "A"}${token.slice(middle + 1)}`;
      expect((await registry.send("GET", blob(), bearer(changed))).status).toBe(401);
      now = new Date(now.getTime() + 299_000);
      expect((await registry.send("GET", blob(), bearer(token))).status).toBe(200);
      now = new Date(now.getTime() + 1_000);
      expect(await registry.send("GET", blob(), bearer(token))).toMatchObject({ status: 401 });

      const revoked = await tokenFor(scope, approver);
      await revokeApiToken(ctx, readTokenText(approver)?.id ?? "");
      expect(await registry.send("GET", blob(), bearer(revoked))).toMatchObject({ status: 401 });
      expect(await askByGet(`?scope=${scope}`, approver)).toMatchObject({ status: 401 });
    });

    it("is not given by a secret that was sealed for something else", () => {
      const sealed = ctx.secrets.seal("{}", "a connection");
      const text = `hgr.${Buffer.from(sealed).toString("base64url")}`;
      expect(createRegistryToken(ctx, { apiToken: "x", access: readScopes([]) }).text).toMatch(/^hgr\./);
      return expect(registry.send("GET", blob(), bearer(text))).resolves.toMatchObject({ status: 401 });
    });

    it("answers what it does not know with its own error body", async () => {
      for (const [path, status] of [
        ["/v2/shop/api", 404],
        ["/v2/shop/api/tags", 404],
        ["/v2/shop/api/blobs/", 404],
        ["/v2/..%2f..%2fv1/projects", 404],
      ] as const)
        expect(await registry.send("GET", path)).toMatchObject({ status, error: "UNSUPPORTED" });
      const headers = { "content-type": ";;;" };
      expect(await registry.send("PUT", "/v2/shop/api/manifests/1", { body: "{}", headers })).toMatchObject({
        status: 415,
        error: "UNSUPPORTED",
      });
      expect(await registry.send("OPTIONS", "/v2/")).toMatchObject({ status: 405, error: "UNSUPPORTED" });
      expect(await registry.send("PUT", "/v2/_catalog")).toMatchObject({ status: 405, error: "UNSUPPORTED" });
      expect(await registry.send("POST", "/v2/shop/api/tags/list")).toMatchObject({ status: 405 });
    });
  });
});
