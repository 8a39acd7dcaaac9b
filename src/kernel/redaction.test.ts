import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { canonicalJson } from "./canonical-json.ts";
import { MASK, redact, redactText, redactUrl } from "./redaction.ts";

describe("redact", () => {
  test.each([
    "password",
    "Password",
    "sealedPassword",
    "passwd",
    "token",
    "TOKEN",
    "access_token",
    "identityToken",
    "secret",
    "clientSecret",
    "secret_hash",
    "Authorization",
    "Proxy-Authorization",
    "Set-Cookie",
    "api-key",
    "private_key",
  ])("masks what stands under %s", (name) => {
    expect(redact({ outer: [{ [name]: "s3cret" }] })).toEqual({ outer: [{ [name]: MASK }] });
    expect(redact({ [name]: { nested: "s3cret" } })).toEqual({ [name]: MASK });
    expect(redact({ [name]: ["s3cret", 7] })).toEqual({ [name]: MASK });
  });

  test("keeps what only speaks of a secret: ids, hosts, whether there is one", () => {
    const value = {
      tokenId: "a1",
      tokenHosts: ["auth.example"],
      password: null,
      hasPassword: true,
      name: "x",
    };
    expect(redact(value)).toEqual(value);
  });

  test("replaces YAML by its hash, whatever the field is called, and in lists of it", () => {
    const yaml = "kind: Pod\n";
    const sha256 = createHash("sha256").update(yaml).digest("hex");
    expect(redact({ yaml_content: yaml, receivedYaml: yaml, renderedYaml: null, yamls: [yaml] })).toEqual({
      yaml_content: { sha256 },
      receivedYaml: { sha256 },
      renderedYaml: null,
      yamls: [{ sha256 }],
    });
  });

  test("makes plain JSON that has a canonical text of whatever it is given", () => {
    const value = {
      at: new Date(0),
      big: 7n,
      none: undefined,
      nan: Number.NaN,
      half: "\ud83d",
      call: () => 1,
    };
    expect(redact(value)).toEqual({ at: "1970-01-01T00:00:00.000Z", nan: null, half: "\ufffd" });
    expect(canonicalJson(redact(undefined))).toBe("null");
  });

  test("survives nesting that would exhaust the stack", () => {
    let deep: unknown = "end";
    for (let level = 0; level < 100_000; level++) deep = [deep];
    expect(canonicalJson(redact(deep))).toContain("…");
  });
});

describe("redactText", () => {
  test.each([
    ["GET /v1/events?token=abc", `GET /v1/events?token=${MASK}`],
    ["/x?a=1&Token=abc&b=2#c", `/x?a=1&Token=${MASK}&b=2#c`],
    ["https://x/?access_token=a%20b", `https://x/?access_token=${MASK}`],
    ["pull from https://bob:pa55@registry.example/v2/", `pull from https://bob:${MASK}@registry.example/v2/`],
    ["bearer hg_0a1b2c_Zm9v-YmFy_x", `bearer hg_0a1b2c_${MASK}`],
    ["shop/api:1.2.3@sha256:0a token=x", "shop/api:1.2.3@sha256:0a token=x"],
  ])("turns %s into %s", (text, redacted) => {
    expect(redactText(text)).toBe(redacted);
  });

  test("takes linear time on hostile text", () => {
    const text = `${"a://".repeat(20_000)}${"?token".repeat(20_000)}`;
    expect(redactText(text)).toBe(text);
  });
});

describe("redactUrl", () => {
  test.each([
    ["/openapi/x?token=s3cret&a=1", "/openapi/x?token=***&a=1"],
    ["/openapi/x?a=1&%74oken=s3cret", "/openapi/x?a=1&%74oken=***"],
    ["/openapi/x?%54%4F%4b%45%4e=s3=cret", "/openapi/x?%54%4F%4b%45%4e=***"],
    ["/x?token=a?token=b&%zz=1", "/x?token=***&%zz=1"],
    ["/x/hg_0123456789abcdef01234567_s3cret", "/x/hg_0123456789abcdef01234567_***"],
  ])("takes the secret out of %s", (url, redacted) => {
    expect(redactUrl(url)).toBe(redacted);
  });

  test.each(["/v1/projects?limit=5&after=abc", "/v1/projects", "/x?tokenId=7&flag"])(
    "leaves %s alone",
    (url) => {
      expect(redactUrl(url)).toBe(url);
    },
  );
});
