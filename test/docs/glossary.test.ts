import { createRequire } from "node:module";
import * as z from "zod";
import { describe, expect, it } from "vitest";
import { everything, proseOf } from "./pages.ts";

const Rules = z.object({
  forbidden: z.array(z.object({ name: z.string(), from: z.object({ path: z.string().optional() }) })),
});

const rules = Rules.parse(createRequire(import.meta.url)("../../dependency-rules.cjs")).forbidden;

/** The noun files, as the boundary check knows them. */
const nouns = everything.filter((path) =>
  new RegExp(rules.find(({ name }) => name === "nouns-import-only-nouns")?.from.path ?? "$^").test(path),
);

describe("the vocabulary", () => {
  it("has every noun that the boundary check knows in the glossary", () => {
    expect(nouns.length).toBeGreaterThan(15);
    const glossary = proseOf("GLOSSARY.md");
    expect(nouns.filter((path) => !glossary.includes(`\`${path.replace("src/", "")}\``))).toEqual([]);
  });

  it("has every rule of the boundary check on the page of the architecture, and no other", () => {
    const listed = [...proseOf("ARCHITECTURE.md").matchAll(/^\| `([a-z]+(?:-[a-z]+)+)` \|/gm)].map(
      ([, name]) => name,
    );
    expect(new Set(listed)).toEqual(new Set(rules.map(({ name }) => name)));
  });

  it("has every folder of src/ on the page of the architecture", () => {
    const architecture = proseOf("ARCHITECTURE.md");
    const folders = everything.filter((path) => /^src\/[^/]+\/$/.test(path));
    expect(folders.filter((folder) => !architecture.includes(`\`${folder}\``))).toEqual([]);
  });
});
