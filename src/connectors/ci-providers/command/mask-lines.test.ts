import { describe, expect, it } from "vitest";
import { maskLines } from "./mask-lines.ts";

function masked(secrets: readonly string[], ...pieces: readonly string[]): string {
  let text = "";
  const lines = maskLines(secrets, (line) => {
    text += line;
  });
  for (const piece of pieces) lines.push(piece);
  lines.end();
  return text;
}

describe("a log's lines", () => {
  it("lose secrets, wherever the pieces they come in are cut", () => {
    const text = "before s3cr3t after\nhttps://u:pw@host/?token=abc\n";
    for (let cut = 0; cut <= text.length; cut += 1) {
      expect(masked(["s3cr3t"], text.slice(0, cut), text.slice(cut))).toBe(
        "before *** after\nhttps://u:***@host/?token=***\n",
      );
    }
  });

  it("lose a longer secret before one that is a part of it", () => {
    expect(masked(["pass", "password1"], "password1 pass\n")).toBe("*** ***\n");
  });

  it("lose each line of a secret that has several", () => {
    expect(masked(["-----KEY-----\nMIIabcdef\n-----END-----"], "MIIabcdef\n-----END-----\n")).toBe(
      "***\n***\n",
    );
  });

  it("keep what is too short to be a secret", () => {
    expect(masked(["1", ""], "1 of 10\n")).toBe("1 of 10\n");
  });

  it("get an end when the last one has none, and stay apart", () => {
    expect(masked([], "a\n\nb")).toBe("a\n\nb\n");
    expect(masked([])).toBe("");
  });

  it("that are too long lose their end, with the secret that is cut there", () => {
    const secret = "S".repeat(6000);
    for (const before of [60_000, 64_000, 65_536, 66_000, 71_000]) {
      const text = masked([secret], "a".repeat(before), secret, "b".repeat(100_000), "\nnext\n");
      expect(text).not.toContain("SSSS");
      expect(text).toMatch(/^[a*b]+ \[\d+ characters of this line were left out\]\nnext\n$/);
      expect(text.length).toBeLessThan(66_000);
    }
  });
});
