import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildAttached, buildSignature, fallbackTag, pushAttached, signingKey } from "../support/attached.ts";
import { buildTestImage, pushBuiltImage, pushTestImage, type TestImage } from "../support/images.ts";
import { describeWith } from "../support/real-parts.ts";
import { startRegistry, type TestRegistry } from "../support/registries.ts";
import { skopeoManifest } from "../support/skopeo.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";
import { startHeadgate, type TestServer } from "./headgate.ts";

interface Release {
  readonly id: string;
  readonly targetConnectionId: string | null;
  readonly distribution: { readonly status: string };
  readonly items: readonly {
    readonly pinnedDigest: string | null;
    readonly pinnedReference: string | null;
    readonly status: string;
  }[];
}

describeWith(["docker-registry", "skopeo"], "releases on the command line, with real registries", () => {
  let home: { path: string; remove: () => Promise<void> };
  let test: TestServer;
  let source: TestRegistry;
  let target: TestRegistry;
  let image: TestImage;
  let yaml: string;
  beforeAll(async () => {
    home = await temporaryDirectory();
    [test, source, target] = await Promise.all([
      startHeadgate(),
      startRegistry({ auth: "open" }),
      startRegistry({ auth: "htpasswd" }),
    ]);
    image = await pushTestImage(source.host, "shop/api", "1.0.0", { seed: "api" });
    yaml = join(home.path, "api.yaml");
    await writeFile(
      yaml,
      `apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: api }\nspec:\n  template:\n    spec:\n      containers:\n        - name: api # ours\n          image: ${source.host}/shop/api:1.0.0\n`,
    );
    const open = ["--plain-http", "--allow-private", "--all-projects"];
    await done("project", "create", "shop");
    await done("registry", "add", "build", "--host", source.host, ...open);
    const env = { HEADGATE_REGISTRY_PASSWORD: target.password ?? "" };
    await doneWith(
      [
        "registry",
        "add",
        "prod",
        "--host",
        target.host,
        "--username",
        target.username ?? "",
        "--namespace",
        "live",
        ...open,
      ],
      env,
    );
  });
  afterAll(async () => {
    await test.close();
    await Promise.all([source.stop(), target.stop(), home.remove()]);
  });

  const doneWith = async (args: string[], env: Record<string, string>): Promise<string> => {
    const { code, stdout, stderr } = await test.headgate(args, { env });
    if (code !== 0 || stderr !== "") throw new Error(`${args.join(" ")} ended with ${code}: ${stderr}`);
    return stdout;
  };
  const done = (...args: string[]): Promise<string> => doneWith(args, {});
  const create = (version: string, ...more: string[]): string[] =>
    ["release", "create", "--project", "shop", "--version", version, "--registry", "prod"].concat(more);
  const apiImage = (): string[] => ["--image", `api/api=${source.host}/shop/api:1.0.0`];

  it("tests a registry, a good one and one with a wrong password", async () => {
    expect(await done("registry", "test", "prod")).toMatch(/^Registry prod works: /);
    const env = { HEADGATE_REGISTRY_PASSWORD: "wrong" };
    await test.headgate(
      [
        "registry",
        "add",
        "locked",
        "--host",
        target.host,
        "--username",
        "robot",
        "--plain-http",
        "--allow-private",
      ],
      { env },
    );
    const refused = await test.headgate(["registry", "test", "locked"]);
    expect(refused.code).toBe(1);
    expect(refused.stderr).toMatch(/sign-in refused: .*/);
    await done("registry", "remove", "locked");
  });

  it("copies an image by digest, tells what happens line by line, and shows it pinned", async () => {
    const said = await done(
      ...create("1.0.0", ...apiImage(), "--yaml", `api=${yaml}`, "--label", "first", "--watch"),
    );
    expect(said).toMatch(/^Release 1\.0\.0 of shop is made: [0-9a-f]{24}$/m);
    expect(said).toMatch(/^api\/api: verified sha256:/m);
    expect(said).toMatch(/^100 % of /m);
    expect(said).not.toContain("\u001b");
    const digest = image.top.digest;
    expect(await done("release", "show", "--project", "shop", "--version", "1.0.0")).toContain(
      `${target.host}/live/api:1.0.0@${digest}`,
    );
    const copied = await skopeoManifest(target, "live/api", ":1.0.0");
    expect(copied.equals(image.top.bytes)).toBe(true);
    const rendered = await done("release", "show", "--project", "shop", "--version", "1.0.0", "--yaml");
    const received = await readFile(yaml, "utf8");
    expect(rendered).toBe(
      received.replace(`${source.host}/shop/api:1.0.0`, `${target.host}/live/api:1.0.0@${digest}`),
    );
  });

  it("copies what is attached to an image when asked, and shows it shortly", async () => {
    const sbom = buildAttached(image.top, '{"spdxVersion":"SPDX-2.3"}');
    await pushAttached(source.host, "shop/api", image.top, [sbom], { fallback: true });
    const signature = buildSignature("shop/api", image.top, signingKey());
    const tag = `${fallbackTag(image.top.digest)}.sig`;
    await pushBuiltImage(source.host, "shop/api", tag, signature);
    const target_ = `target=${target.host}/live/signed:1`;
    const asked = `${apiImage()[1]},${target_}`;
    await done(...create("signed", "--image", asked, "--with-referrers", "--watch"));
    const shown = await done("release", "show", "--project", "shop", "--version", "signed");
    const [sig, spdx] = [signature, sbom].map(({ top }) => top.digest.slice(0, 19));
    const words = `application/spdx\\+json ${spdx} \\(\\d+ B\\), cosign-signature ${sig} \\(\\d+ B\\)`;
    expect(shown).toMatch(new RegExp(`^ {2}attached +${words}$`, "m"));
    expect((await skopeoManifest(target, "live/signed", `:${tag}`)).equals(signature.top.bytes)).toBe(true);
    const plain = ["--image", asked, "--without-referrers", "--watch", "--json"];
    expect(JSON.parse(await done(...create("unsigned", ...plain)))).toMatchObject({
      withReferrers: false,
      items: [{ referrers: [] }],
    });
  });

  it("lists releases by status and label", async () => {
    const list = (...more: string[]) => done("release", "list", "--project", "shop", ...more);
    expect(await list("--status", "success")).toMatch(/^1\.0\.0 +success +1\/1 +first /m);
    expect(await list("--status", "failed")).not.toContain("1.0.0");
    expect(JSON.parse(await list("--label", "first", "--json"))).toMatchObject([{ version: "1.0.0" }]);
    const wrong = await test.headgate(["release", "list", "--project", "shop", "--status", "splendid"]);
    expect(wrong.code).toBe(1);
    expect(wrong.stderr).toMatch(/status: .*success/);
  });

  it("makes a release from the pins of another one, even when the tag has moved on", async () => {
    await pushTestImage(source.host, "shop/api", "1.0.0", { seed: "a later build" });
    const made = JSON.parse(
      await done(...create("1.0.1", "--from", "1.0.0", "--watch", "--json")),
    ) as Release;
    expect(made.distribution.status).toBe("success");
    expect(made.items.map((item) => item.pinnedDigest)).toEqual([image.top.digest]);
    expect(made.targetConnectionId).toMatch(/^[0-9a-f]{24}$/);
  });

  it("fails with the registry's words when an image is missing, and retries what failed", async () => {
    const late = ["--image", `api/api=${source.host}/shop/late:1`];
    const failed = await test.headgate(create("2.0.0", ...late, "--watch"));
    expect(failed.code).toBe(1);
    expect(failed.stderr).toMatch(/release 2\.0\.0 of shop failed/);
    expect(failed.stdout).toMatch(/api\/api: failed.*(MANIFEST|manifest|NAME|repository)/);
    const later = buildTestImage({ seed: "late" });
    await pushTestImage(source.host, "shop/late", "1", { seed: "late" });
    const again = await done("release", "retry", "--project", "shop", "--version", "2.0.0", "--watch");
    expect(again).toMatch(/api\/api: verified/);
    const shown = JSON.parse(
      await done("release", "show", "--project", "shop", "--version", "2.0.0", "--json"),
    ) as Release;
    expect(shown.items[0]?.pinnedDigest).toBe(later.top.digest);
    const settled = await test.headgate(["release", "retry", "--project", "shop", "--version", "2.0.0"]);
    expect(settled.code).toBe(1);
    expect(settled.stderr).toMatch(/DISTRIBUTION_NOT_FAILED/);
  });

  it("reads a release from a file, and names what is wrong in it", async () => {
    const file = join(home.path, "release.json");
    const images = [{ containerName: "api", sourceImage: `${source.host}/shop/api:1.0.0`, push: false }];
    await writeFile(
      file,
      JSON.stringify({ project: "shop", version: "3.0.0", services: [{ name: "api", images }] }),
    );
    const made = JSON.parse(await done("release", "create", "-f", file, "--watch", "--json")) as Release;
    expect(made.items[0]).toMatchObject({
      status: "not_needed",
      pinnedDigest: expect.stringMatching(/^sha256:/),
    });
    await writeFile(file, JSON.stringify({ version: "3.0.1", services: [{ name: "api", imagez: [] }] }));
    const bad = await test.headgate(["release", "create", "--project", "shop", "-f", file]);
    expect(bad).toMatchObject({ code: 1 });
    expect(bad.stderr).toMatch(/services\.0\.imagez/);
    const broken = await test.headgate(["release", "create", "--project", "shop", "-f", "-"], { input: "{" });
    expect(broken).toMatchObject({ code: 2 });
  });

  it("makes a release once for one Idempotency-Key", async () => {
    const args = create("4.0.0", ...apiImage(), "--idempotency-key", "build-4711", "--json");
    const [first, second] = [
      JSON.parse(await done(...args)) as Release,
      JSON.parse(await done(...args)) as Release,
    ];
    expect(second.id).toBe(first.id);
    const taken = await test.headgate(create("4.0.0", ...apiImage()));
    expect(taken.stderr).toMatch(/RELEASE_EXISTS/);
  });

  it("deletes a release, after which it is unknown and its name free", async () => {
    const which = ["--project", "shop", "--version", "1.0.1"];
    await done("release", "delete", ...which);
    expect((await test.headgate(["release", "show", ...which])).stderr).toMatch(/RELEASE_NOT_FOUND/);
    expect((await test.headgate(["release", "show"])).code).toBe(2);
    await done(...create("1.0.1", ...apiImage()));
  });
});
