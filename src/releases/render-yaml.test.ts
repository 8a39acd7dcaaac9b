import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAllDocuments } from "yaml";
import { readYaml } from "./read-yaml.ts";
import { checkYaml, type ImageReplacement, renderYaml } from "./render-yaml.ts";

const API: ImageReplacement = { containerName: "api", from: "r/api:1", to: "r2/api:1@sha256:00" };
const MIGRATE: ImageReplacement = { containerName: "migrate", from: "r/migrate:1", to: "r2/migrate:1" };

const MANIFEST = `# the shop's API
apiVersion: v1
kind: Service   # kept
metadata: {name: api, labels: {image: r/api:1}}
spec:
  ports: [ {port: 80} ]
---
apiVersion: apps/v1
kind: Deployment
metadata:
  name: api
  annotations: {note: "runs r/api:1"}
spec:
  template:
    spec:
      initContainers:
        - image: 'r/migrate:1'   # single quotes stay
          name: migrate
      containers:
      - name:   api
        image:    "r/api:1"
        args: [--image, r/api:1]
      -   name: sidecar
          image: r/api:10
      ephemeralContainers:
      - {name: debug, image: r/debug:1}
`;

describe("rendering YAML", () => {
  test("replaces the images of containers by their names and keeps every other byte", () => {
    const rendered = renderYaml(MANIFEST, [API, MIGRATE]);
    const expected = MANIFEST.replace(`image:    "r/api:1"`, `image:    "r2/api:1@sha256:00"`)
      .replace("'r/migrate:1'", "'r2/migrate:1'")
      .replace("labels: {image: r/api:1}", "labels: {image: r2/api:1@sha256:00}");
    expect(rendered).toEqual({ text: expected, replaced: 3, unmatched: [] });
  });

  test.each([
    ["Pod", "spec:"],
    ["Deployment", "spec: {template: {spec: X}}"],
    ["DaemonSet", "spec: {template: {spec: X}}"],
    ["StatefulSet", "spec: {template: {spec: X}}"],
    ["ReplicaSet", "spec: {template: {spec: X}}"],
    ["Job", "spec: {template: {spec: X}}"],
    ["CronJob", "spec: {jobTemplate: {spec: {template: {spec: X}}}}"],
  ])("knows where a %s keeps its containers", (kind, shape) => {
    for (const list of ["containers", "initContainers", "ephemeralContainers"]) {
      const pod = `{${list}: [{name: api, image: whatever:7}]}`;
      const text = `kind: ${kind}\napiVersion: any/v9\n${shape.includes("X") ? shape.replace("X", pod) : `spec: ${pod}`}\n`;
      expect(renderYaml(text, [API])).toEqual({
        text: text.replace("whatever:7", API.to),
        replaced: 1,
        unmatched: [],
      });
    }
  });

  test("in custom resources replaces exactly the whole image, at any depth, and nothing that only begins like it", () => {
    const text = [
      "kind: Rollout",
      "spec:",
      "  template: {spec: {containers: [{name: any, image: r/api:1}, {name: b, image: r/api:10}]}}",
      "  image: xr/api:1",
      "  other: r/api:1",
      "  list: [{image: [r/api:1]}, {image: 'r/api:1'}]",
      "",
    ].join("\n");
    const rendered = renderYaml(text, [API]);
    expect(rendered.text).toBe(
      text.replace("image: r/api:1}", `image: ${API.to}}`).replace("'r/api:1'", `'${API.to}'`),
    );
    expect(rendered.replaced).toBe(2);
  });

  test.each([
    ["no kind", "spec: {containers: [{name: api, image: r/api:1}]}\n"],
    ["a kind that is no text", "kind: [Pod]\nspec: {containers: [{name: api, image: r/api:1}]}\n"],
    ["a config map", "kind: ConfigMap\ndata: {image: r/api:1}\n"],
    ["no document at all", "# nothing\n"],
    ["nothing", ""],
    [
      "a container without image",
      "kind: Pod\nspec: {containers: [{name: api}, {name: api, image: }, x, {image: r/api:1}]}\n",
    ],
    ["a container with another name", "kind: Pod\nspec: {containers: [{name: apis, image: r/api:10}]}\n"],
    [
      "an image folded over lines",
      "kind: Pod\nspec:\n  containers:\n  - name: api\n    image: >-\n      r/api\n      :1\n",
    ],
    [
      "an image from a merge key",
      "kind: Pod\nx: &x {image: r/api:1}\nspec: {containers: [{<<: *x, name: api}]}\n",
    ],
  ])("%s is left as it is, and said to be unmatched", (_, text) => {
    expect(renderYaml(text, [API])).toEqual({ text, replaced: 0, unmatched: [API] });
  });

  test("an image that is wholly the same is replaced in containers of other names too", () => {
    const text = "kind: Pod\nspec: {initContainers: [{name: warm-up, image: r/api:1}], containers: []}\n";
    expect(renderYaml(text, [API])).toMatchObject({ text: text.replace("r/api:1", API.to), unmatched: [] });
  });

  test("containers of one name in several workloads keep apart where their images tell which one is meant", () => {
    const pod = (image: string) => `kind: Pod\nspec: {containers: [{name: api, image: ${image}}]}\n`;
    const render = (...images: string[]) => renderYaml(images.map(pod).join("---\n"), [API]).text;
    const pods = (...images: string[]) => images.map(pod).join("---\n");
    expect(render("r/api:1", "r/other:1")).toBe(pods(API.to, "r/other:1"));
    expect(render("r/other:1", "r/api:1", "r/api:0")).toBe(pods("r/other:1", API.to, API.to));
    expect(render("r/api:2", "r/other:1")).toBe(pods(API.to, API.to));
    expect(render("h:5000/api", "r/api@sha256:1")).toBe(pods(API.to, API.to));
  });

  test("reads the items of a List", () => {
    const text = `kind: List\nitems:\n- kind: Pod\n  spec: {containers: [{name: api, image: a}]}\n- {kind: Other, image: r/api:1}\n`;
    expect(renderYaml(text, [API])).toMatchObject({
      text: text.replace("image: a}", `image: ${API.to}}`).replace("r/api:1", API.to),
      replaced: 2,
    });
  });

  test.each([
    ["Windows line ends", "kind: Pod\r\nspec:\r\n  containers:\r\n  - image: IMAGE\r\n    name: api\r\n"],
    [
      "a byte order mark and a directive",
      "\uFEFF%YAML 1.1\n---\nkind: Pod\nspec: {containers: [{name: api, image: IMAGE}]}",
    ],
    ["no line end", "kind: Pod\nspec: {containers: [{name: api, image: IMAGE"],
    [
      "characters beyond the first plane",
      "# 😀\nkind: Pod\nspec: {containers: [{name: api, image: IMAGE}]} # 😀\n",
    ],
    ["JSON", '{"kind":"Pod","spec":{"containers":[{"image":"IMAGE","name":"api"}]}}'],
    ["an anchor and a tag", "kind: Pod\nspec: {containers: [{name: api, image: &i !!str IMAGE }]}\n"],
    [
      "a folded block",
      "kind: Pod\nspec:\n  containers:\n  - image: >- # r/api:1\n      IMAGE\n    name: api\n",
    ],
    [
      "a literal block",
      "kind: Pod\r\nspec:\r\n  containers:\r\n  - image: |\r\n      IMAGE\r\n    name: api\r\n",
    ],
    [
      "several documents, one without kind",
      "a: 1\n---\n\n---\nkind: Pod\nspec: {containers: [{name: api, image: IMAGE}]}\n...\n",
    ],
  ])("keeps %s", (_, template) => {
    const text =
      template.includes("{name: api, image: IMAGE") && !template.includes("}") ? `${template}}]}` : template;
    const before = text.replace("IMAGE", "r/api:1");
    expect(renderYaml(before, [API])).toEqual({
      text: text.replace("IMAGE", API.to),
      replaced: 1,
      unmatched: [],
    });
  });

  test("an image behind an alias is written out, its anchor stays", () => {
    const text =
      "kind: Pod\nspec:\n  containers:\n  - {name: api, image: &i r/api:1}\n  - {name: migrate, image: *i }\n";
    expect(renderYaml(text, [API, MIGRATE]).text).toBe(
      text.replace("&i r/api:1", `&i ${API.to}`).replace("*i ", `${MIGRATE.to} `),
    );
    expect(renderYaml(text, [MIGRATE]).text).toBe(text.replace("*i ", `${MIGRATE.to} `));
  });

  test("containers behind an alias are found", () => {
    const text = "kind: Pod\nspec:\n  initContainers: &c [{name: api, image: r/api:1}]\n  containers: *c\n";
    expect(renderYaml(text, [API])).toMatchObject({ text: text.replace("r/api:1", API.to), replaced: 1 });
  });

  test.each([
    "kind: Pod\nspec:\n  containers:\n  - {name: api, image: &i r/api:7}\n  - {name: other, image: *i }\n",
    "kind: Pod\nspec:\n  containers:\n  - &c {name: api, image: r/api:1}\n  - {<<: *c, name: other}\n",
  ])("refuses an anchor that would carry the image to a container that is to keep its own: %j", (text) => {
    expect(() => renderYaml(text, [API])).toThrow(
      expect.objectContaining({ code: "INPUT_INVALID" }) as Error,
    );
  });

  test("the image that fits decides where two replacements name one container", () => {
    const text = "kind: Pod\nspec: {containers: [{name: api, image: r/api:2}]}\n";
    const second = { containerName: "api", from: "r/api:2", to: "r2/api:2" };
    expect(renderYaml(text, [API, second])).toMatchObject({
      text: text.replace("r/api:2", "r2/api:2"),
      unmatched: [API],
    });
  });

  test.each(["", "a b", "a\nb", "ä", "a\u0000"])("%j is no image to write", (to) => {
    expect(() => renderYaml("kind: Pod\n", [{ ...API, to }])).toThrow("is not an image reference");
  });

  const image = fc.oneof(
    fc.stringMatching(/^[\x21-\x7e]{1,20}$/),
    fc.constantFrom(
      "1",
      "1e3",
      "0x1f",
      "1:30",
      "true",
      "NULL",
      "~",
      "no",
      "y",
      "2024-01-01",
      "a:",
      "#a",
      "&a",
      "r/a:1",
    ),
  );

  test("whatever is written reads back as exactly that, in every quote style and for readers of YAML 1.1 too", () => {
    fc.assert(
      fc.property(image, fc.constantFrom("x", "'x'", '"x"', "|-\n     x\n", "*i"), (to, old) => {
        const text = `i: &i x\nkind: Pod\nspec:\n  containers:\n  - name: api\n    image: ${old}\n    z: 1\n`;
        for (const version of ["1.1", "1.2"] as const) {
          const [document] = parseAllDocuments(renderYaml(text, [{ ...API, to }]).text, { version });
          expect(document?.toJS()).toMatchObject({
            i: "x",
            spec: { containers: [{ name: "api", image: to, z: 1 }] },
          });
        }
      }),
    );
  });

  test("replacing nothing gives the identical text, whatever the text", () => {
    const words = `kind: Pod|\n|\r\n|  |- |---\n|# c|image: |'a'|"b"|&x |*x|{|}|[|]|, |a: |é|😀`;
    const piece = fc.constantFrom("|\n", ...words.split("|"));
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join("");
        try {
          checkYaml(text);
        } catch {
          return;
        }
        expect(renderYaml(text, []).text).toBe(text);
      }),
      { numRuns: 1000 },
    );
  });

  test("outside of the replaced places every character stays", () => {
    const gap = fc.constantFrom(
      "",
      "\n",
      "# r/api:1 api\n",
      "---\nkind: Service\nspec: {image: r/api:10}\n",
      "---\n# only words\n",
    );
    const container = fc.record({
      name: fc.constantFrom("api", "migrate", "other"),
      quote: fc.constantFrom("", "'", '"'),
    });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(gap, container, fc.constantFrom("\n", "\r\n")), { maxLength: 6 }),
        (list) => {
          const textWith = (imageOf: (name: string) => string): string =>
            list
              .map(
                ([before, { name, quote }, end]) =>
                  `${before}---${end}kind: Pod # ${name}${end}spec:${end}  containers:${end}  -   image:  ${quote}${imageOf(name)}${quote} # c${end}      name: ${name}${end}`,
              )
              .join("");
          const images: Record<string, string> = { api: API.to, migrate: MIGRATE.to };
          expect(
            renderYaml(
              textWith((name) => `r/${name}:1`),
              [API, MIGRATE],
            ).text,
          ).toBe(textWith((name) => images[name] ?? `r/${name}:1`));
        },
      ),
    );
  });
});

describe("reading YAML", () => {
  test.each([
    ["a: [1, 2\nb: 3\n", "line 2, column 1"],
    ["a: 1\n---\nb: 'x\n", "line 4, column 1: Missing closing"],
    ["a: 1\n b: 2\n", "line 1"],
    ["a: *nowhere\n", "line 1, column 4: no anchor nowhere"],
    ["a: 1\nb: {c: 1, d: 2, c: 3}\n", "line 2, column 17: this key stands twice"],
    ["a:\n\t- b\n", "line 2"],
  ])("%j is refused with the place: %s", (text, place) => {
    expect(() => checkYaml(text)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }) as Error);
    expect(() => checkYaml(text)).toThrow(place);
  });

  const lines = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => line(index)).join("");
  test.each([
    ["more than 1 MiB", `a: ${"x".repeat(1024 * 1024)}`],
    ["more than 1 MiB in fewer characters", `a: ${"é".repeat(600 * 1024)}`],
    ["open brackets", "[".repeat(500_000)],
    ["nested lists", "- ".repeat(500_000)],
    ["closed brackets", "[".repeat(20_000) + "]".repeat(20_000)],
    ["nested maps", lines(1400, (index) => `${" ".repeat(index)}a:\n`) + "- -"],
    ["anchors", "&a ".repeat(300_000)],
    ["documents", "---\n".repeat(250_000)],
    ["quotes", `[${'"",'.repeat(250_000)}]`],
    ["aliases", `a: &a x\nb: [${"*a ,".repeat(101)}]\n`],
  ])("%s are refused, not suffered", (_, text) => {
    expect(() => checkYaml(text)).toThrow(expect.objectContaining({ code: "INPUT_INVALID" }) as Error);
  });

  test("aliases that repeat a large part of the text are refused", () => {
    const large = `a: &a [${"y, ".repeat(10_000)}]\n`;
    expect(() => checkYaml(`${large}b: [${"*a ,".repeat(50)}]\n`)).toThrow("repeat too much");
    checkYaml(`${large}b: [${"*a ,".repeat(5)}]\n`);
  });

  test("aliases that multiply are refused", () => {
    const bomb = `a0: &a0 [x, x]\n${lines(9, (index) => `a${index + 1}: &a${index + 1} [${Array.from({ length: 9 }, () => `*a${index} `).join(",")}]\n`)}`;
    expect(() => checkYaml(bomb)).toThrow("multiply");
    expect(() => renderYaml(bomb, [API])).toThrow("multiply");
  });

  test("reads a megabyte of ordinary manifests", () => {
    const text =
      "kind: Service\nmetadata:\n  name: a\nspec:\n  clusterIP: None\n  note: ordinary text of some length that is not structure\n---\n".repeat(
        8_000,
      );
    expect(readYaml(text).length).toBeGreaterThanOrEqual(8_000);
  });
});
