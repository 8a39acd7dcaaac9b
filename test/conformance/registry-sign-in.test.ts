import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createRegistryConnector } from "../../src/connectors/registries/oci-registry-connector.ts";
import type {
  Registry,
  RegistryConnector,
  RegistrySettings,
} from "../../src/connectors/registries/registry.ts";
import { pushTestImage } from "../support/images.ts";
import { describeWith } from "../support/real-parts.ts";
import { settingsFor } from "../support/registry-settings.ts";
import { startRegistry, type TestRegistry, type TestRegistryOptions } from "../support/registries.ts";
import { answer, type StandIn, startStandIn } from "../support/stand-in.ts";

const RETRY = { retries: 1, baseMillis: 1, longestWaitMillis: 1000 };
const WRONG = { username: "robot", password: "not-the-password" };

describeWith(["docker-registry"], "signing in to real registries", () => {
  const started: TestRegistry[] = [];
  let connector: RegistryConnector;

  beforeEach(() => {
    connector = createRegistryConnector({ retry: RETRY });
  });

  afterEach(async () => {
    await connector.close();
    await Promise.all(started.splice(0).map((registry) => registry.stop()));
  });

  const start = async (options: TestRegistryOptions): Promise<TestRegistry> => {
    const registry = await startRegistry(options);
    started.push(registry);
    return registry;
  };
  const open = (registry: TestRegistry, changes: Partial<RegistrySettings> = {}): Registry =>
    connector.open(settingsFor(registry, changes));

  it("an open registry says so", async () => {
    const registry = await start({ auth: "open" });
    expect(await open(registry, { credentials: WRONG }).check()).toEqual({
      reachable: true,
      authenticated: true,
      tokenHost: null,
      message: "The registry is open: it asks for no sign-in",
    });
  });

  it("user and password are right, wrong, or missing", async () => {
    const registry = await start({ auth: "htpasswd" });
    expect(await open(registry).check()).toEqual({
      reachable: true,
      authenticated: true,
      tokenHost: null,
      message: "Signed in as robot",
    });
    for (const credentials of [WRONG, null]) {
      expect(await open(registry, { credentials }).check()).toEqual({
        reachable: true,
        authenticated: false,
        tokenHost: null,
        message: `signing in at ${registry.host}: UNAUTHORIZED: authentication required`,
      });
    }
    await expect(open(registry, { credentials: WRONG }).pullManifest("team/api", "1")).rejects.toMatchObject({
      status: 401,
      retryable: false,
      message: `reading the manifest team/api:1 at ${registry.host}: UNAUTHORIZED: authentication required`,
    });
  });

  it("a token host is reported, and gets the credentials only when it was confirmed", async () => {
    const registry = await start({ auth: "token" });
    const tokenHost = registry.tokens?.host;
    const unconfirmed = open(registry, { tokenHosts: [] });
    const words = `${registry.host} wants the credentials to be shown to ${tokenHost}, which nobody has confirmed`;
    const check = await unconfirmed.check();
    expect(check).toMatchObject({ reachable: true, authenticated: false, tokenHost });
    expect(check.message).toContain(words);
    await expect(unconfirmed.findManifest("team/api", "1")).rejects.toMatchObject({
      retryable: false,
      message: `${words}: an admin can confirm this token host with "test connection"`,
    });
    expect(registry.tokens?.requests).toEqual([]);
    const confirmed = { reachable: true, authenticated: true, tokenHost, message: "Signed in as robot" };
    expect(await open(registry).check()).toEqual(confirmed);
  });

  it("a token host that refuses the credentials is quoted, without them", async () => {
    const registry = await start({ auth: "token" });
    expect(await open(registry, { credentials: WRONG }).check()).toEqual({
      reachable: true,
      authenticated: false,
      tokenHost: registry.tokens?.host,
      message: `asking ${registry.tokens?.host} for a token: UNAUTHORIZED: incorrect username or password`,
    });
  });

  it("anonymous callers get tokens where the service gives them, and may pull but not push", async () => {
    const registry = await start({ auth: "token", tokens: { anonymousPull: true } });
    const image = await pushTestImage(registry, "team/api", "1");
    const anonymous = open(registry, { credentials: null, tokenHosts: [] });
    expect((await anonymous.pullManifest("team/api", "1")).digest).toBe(image.top.digest);
    const manifest = await anonymous.pullManifest("team/api", "1");
    await expect(anonymous.pushManifest("team/api", "2", manifest)).rejects.toMatchObject({ status: 401 });
    expect(await anonymous.check()).toMatchObject({ authenticated: true, tokenHost: registry.tokens?.host });
  });

  it("a service that only speaks OAuth 2 is asked by POST", async () => {
    const registry = await start({ auth: "token", tokens: { oauthOnly: true } });
    expect(await open(registry).check()).toMatchObject({
      authenticated: true,
      message: "Signed in as robot",
    });
    expect(registry.tokens?.requests.map(({ method, username }) => [method, username])).toEqual([
      ["POST", "robot"],
    ]);
  });

  it("one token serves all calls of a kind, and other settings have a handle of their own", async () => {
    const registry = await start({ auth: "token" });
    const image = await pushTestImage(registry, "team/api", "1");
    const asked = registry.tokens?.requests.length ?? 0;
    const opened = open(registry);
    for (const { digest } of image.blobs) await opened.hasBlob("team/api", digest);
    await Promise.all(image.blobs.map(({ digest }) => opened.hasBlob("team/api", digest)));
    await opened.findManifest("team/api", "1");
    expect(registry.tokens?.requests.slice(asked)).toEqual([
      { method: "GET", scopes: ["repository:team/api:pull"], username: "robot" },
    ]);
    expect(open(registry)).toBe(opened);
    expect(open(registry, { credentials: WRONG })).not.toBe(opened);
  });
});

describe("signing in to registries that misbehave", () => {
  let registry: StandIn;
  let tokens: StandIn;
  let connector: RegistryConnector;

  beforeEach(async () => {
    [registry, tokens] = await Promise.all([startStandIn(), startStandIn()]);
    connector = createRegistryConnector({ retry: RETRY });
  });

  afterEach(async () => {
    await connector.close();
    await Promise.all([registry.stop(), tokens.stop()]);
  });

  const open = (changes: Partial<RegistrySettings> = {}): Registry =>
    connector.open({
      ...settingsFor({ ...registry, requests: [] }),
      credentials: { username: "robot", password: "let-me-in" },
      tokenHosts: [tokens.host],
      ...changes,
    });
  const challenge = (text: string) => answer(401, { "www-authenticate": text });
  const bearer = (realm: string) => challenge(`Bearer realm="${realm}",service="test"`);

  it.for([
    ["no token", answer(200, {}, "{}"), "the answer holds no token"],
    ["no JSON", answer(200, {}, "<html>"), "the answer holds no token"],
    [
      "a token that would break a header",
      answer(200, {}, '{"token":"a\\r\\nb"}'),
      "the answer holds no token",
    ],
    ["an outage", answer(503), "HTTP 503 Service Unavailable"],
    [
      "a text that quotes the password",
      answer(403, {}, '{"details":"robot:let-me-in is wrong"}'),
      "robot:*** is wrong",
    ],
    ["an answer without end", answer(200, {}, "x".repeat(300_000)), "longer than 262144 bytes"],
  ] as const)("the token service gives %s", async ([, reply, words]) => {
    registry.always("GET /v2/", bearer(`http://${tokens.host}/token`));
    tokens.always("GET /token", reply);
    const check = await open().check();
    expect(check).toMatchObject({ reachable: true, authenticated: false, tokenHost: tokens.host });
    expect(check.message).toContain(words);
    expect(check.message).not.toContain("let-me-in");
  });

  it("a refusal that quotes the Authorization header is shown without it", async () => {
    registry.expect("HEAD /v2/team/api/manifests/1", challenge('Basic realm="x"'));
    registry.expect(
      "HEAD /v2/team/api/manifests/1",
      answer(200, { "docker-content-digest": `sha256:${"a".repeat(64)}` }),
    );
    await open().findManifest("team/api", "1");
    registry.expect("GET /v2/team/api/manifests/1", (response, request) => {
      const message = `no: ${request.headers.authorization}`;
      response.writeHead(403).end(JSON.stringify({ errors: [{ code: "DENIED", message }] }));
    });
    await expect(open().pullManifest("team/api", "1")).rejects.toThrow(/DENIED: no: Basic \*\*\*$/);
  });

  it.for([
    ["is no address", "token", "its token realm is not an address"],
    ["is a metadata service", "http://169.254.169.254/token", "which nobody has confirmed"],
    ["is a file", "file:///etc/passwd", "which nobody has confirmed"],
  ] as const)("the token realm %s", async ([, realm, words]) => {
    registry.always("GET /v2/", bearer(realm));
    expect((await open().check()).message).toContain(words);
  });

  it.for([
    ["http://169.254.169.254/token", "is never reached"],
    ["file:///etc/passwd", "only HTTP is spoken"],
  ] as const)("anonymous callers do not follow a realm like %s either", async ([realm, words]) => {
    registry.always("GET /v2/", bearer(realm));
    expect((await open({ credentials: null }).check()).message).toContain(words);
  });

  it("bearer is chosen over basic, and a registry's wider scope is asked for", async () => {
    const realm = `http://${tokens.host}/token`;
    const header = `Basic realm="x", Bearer realm="${realm}",scope="repository:team/api:metadata_read"`;
    registry.expect("HEAD /v2/team/api/manifests/1", challenge(header), answer(404));
    tokens.expect("GET /token", answer(200, {}, '{"token":"t","expires_in":300}'));
    expect(await open().findManifest("team/api", "1")).toBeNull();
    const query = new URLSearchParams(tokens.calls[0]?.line.split("?")[1]);
    expect(query.getAll("scope")).toEqual(["repository:team/api:metadata_read,pull"]);
    expect(query.get("account")).toBe("robot");
    expect(tokens.calls[0]?.headers.authorization).toMatch(/^Basic /);
    expect(registry.calls[1]?.headers.authorization).toBe("Bearer t");
  });

  it.for([
    ["says no lifetime", '{"token":"t"}'],
    ["says a lifetime of null", '{"token":"t","expires_in":null}'],
    ["says a lifetime of nothing", '{"token":"t","expires_in":0}'],
    ["says its lifetime as text", '{"token":"t","expires_in":"300"}'],
    ["has only an OAuth name", '{"access_token":"t","refresh_token":"r","scope":"x"}'],
  ] as const)("a token that %s is used, and kept", async ([, body]) => {
    registry.expect("HEAD /v2/team/api/manifests/1", bearer(`http://${tokens.host}/token`));
    registry.always("HEAD /v2/team/api/manifests/1", answer(404));
    tokens.expect("GET /token", answer(200, {}, body));
    expect(await open().findManifest("team/api", "1")).toBeNull();
    expect(await open().findManifest("team/api", "1")).toBeNull();
    expect(registry.calls.at(-1)?.headers.authorization).toBe("Bearer t");
  });

  it.for([401, 403])(
    "a mount is not tried where the token service answers %i for the other repository",
    async (status) => {
      const digest = `sha256:${"a".repeat(64)}` as const;
      registry.expect("POST /v2/prod/api/blobs/uploads/", bearer(`http://${tokens.host}/token`));
      tokens.expect(
        "GET /token",
        answer(status, {}, '{"details":"no access to team/api"}'),
        answer(200, {}, '{"token":"t"}'),
      );
      registry.expect(`HEAD /v2/prod/api/blobs/${digest}`, answer(200));
      const to = open();
      const copying = connector.copyBlob({
        source: { registry: to, repository: "team/api" },
        target: { registry: to, repository: "prod/api" },
        digest,
        sizeBytes: 1,
        mountFrom: "team/api",
      });
      expect(await copying).toBe("present");
    },
  );

  it("a token service that wants a pause gets it from the registry's next call too", async () => {
    registry.always("HEAD /v2/team/api/manifests/1", bearer(`http://${tokens.host}/token`));
    tokens.expect("GET /token", answer(429, { "retry-after": "300" }));
    await expect(open().findManifest("team/api", "1")).rejects.toMatchObject({ status: 429 });
    await expect(open().findManifest("team/api", "1")).rejects.toThrow(
      `calling ${tokens.host}: it wants to be called less often (HTTP 429); it is asked again at `,
    );
  });

  it("a scheme that nobody knows is a refusal in the registry's words", async () => {
    registry.expect("HEAD /v2/team/api/manifests/1", challenge("Negotiate"));
    await expect(open().findManifest("team/api", "1")).rejects.toMatchObject({
      status: 401,
      retryable: false,
    });
  });

  it("a token that is refused is renewed once, not for ever", async () => {
    registry.always("GET /v2/team/api/manifests/1", bearer(`http://${tokens.host}/token`));
    tokens.always("GET /token", answer(200, {}, '{"token":"t"}'));
    await expect(open().pullManifest("team/api", "1")).rejects.toMatchObject({ status: 401 });
    expect(registry.calls).toHaveLength(2);
    await expect(open().pullManifest("team/api", "1")).rejects.toMatchObject({ status: 401 });
    expect(registry.calls).toHaveLength(4);
  });

  it("what is not a registry, or not there, is told", async () => {
    registry.expect("GET /v2/", answer(404, {}, "nothing here"));
    expect(await open().check()).toEqual({
      reachable: true,
      authenticated: false,
      tokenHost: null,
      message: `${registry.host} answers /v2/ with HTTP 404: it does not seem to be a registry`,
    });
    const nowhere = await startStandIn();
    await nowhere.stop();
    expect(await open({ host: nowhere.host }).check()).toEqual({
      reachable: false,
      authenticated: false,
      tokenHost: null,
      message: `connecting to ${nowhere.host}: connection refused`,
    });
    expect(await open({ allowPrivate: false }).check()).toMatchObject({ reachable: false });
  });
});
