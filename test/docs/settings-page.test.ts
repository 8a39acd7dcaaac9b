import { readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";
import { settingsPage } from "../../scripts/settings-page.ts";
import { SETTINGS } from "../../src/config.ts";

describe("the page of settings", () => {
  it("is the one that is committed; npm run settings-page writes it anew", async () => {
    const committed = await readFile(new URL("../../docs/operate/settings.md", import.meta.url), "utf8");
    expect(committed).toBe(settingsPage());
  });

  it("has a row for every setting, with its meaning", () => {
    const lines = settingsPage().split("\n");
    for (const { variable, meaning } of Object.values(SETTINGS)) {
      const rows = lines.filter((line) => line.startsWith(`| \`${variable}\` |`));
      expect(rows).toEqual([expect.stringContaining(meaning)]);
    }
  });
});
