import { dirname, join, normalize } from "node:path";
import { describe, expect, it } from "vitest";
import { anchorsOf, everything, exists, pages, proseOf } from "./pages.ts";

interface Link {
  readonly page: string;
  readonly target: string;
}

const links: readonly Link[] = pages.flatMap((page) =>
  [...proseOf(page).matchAll(/\]\(([^)\s]+)\)/g)].map(([, target = ""]) => ({ page, target })),
);

const inside = links.filter(({ target }) => !/^[a-z]+:/.test(target));

/** A file or folder that a page names in code: `src/x/`, `x.ts`, `x/y.ts`. */
const NAMED = /`((?:[\w.-]+\/)*[\w.-]+\.(?:ts|cjs)|(?:src|test|scripts|docs)\/(?:[\w.-]+\/)*)`/g;

const named: readonly Link[] = pages.flatMap((page) =>
  [...proseOf(page).matchAll(NAMED)].map(([, target = ""]) => ({ page, target })),
);

describe("the documentation", () => {
  it("is found by this test, with its links", () => {
    expect(pages).toContain("README.md");
    expect(inside.length).toBeGreaterThan(20);
    expect(named.length).toBeGreaterThan(50);
  });

  it("links only to files that are there", () => {
    const dead = inside.filter(({ page, target }) => {
      const [path = ""] = target.split("#");
      return path !== "" && !exists(normalize(join(dirname(page), path)));
    });
    expect(dead).toEqual([]);
  });

  it("links only to headings that are there", () => {
    const dead = inside.filter(({ page, target }) => {
      const [path = "", anchor] = target.split("#");
      const to = path === "" ? page : normalize(join(dirname(page), path));
      return anchor !== undefined && to.endsWith(".md") && !anchorsOf(to).includes(anchor);
    });
    expect(dead).toEqual([]);
  });

  it("names only files and folders that are there", () => {
    const unknown = named.filter(
      ({ target }) => !everything.some((path) => path === target || path.endsWith(`/${target}`)),
    );
    expect(unknown).toEqual([]);
  });
});
