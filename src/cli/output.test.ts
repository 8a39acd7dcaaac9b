import { expect, test } from "vitest";
import { harmless, harmlessLines } from "./output.ts";

test.each([
  ["a colour", "\u001b[31mred\u001b[0m", " [31mred [0m"],
  ["a line end", "one\r\ntwo\u2028three", "one  two three"],
  ["an override of direction", "v1\u202e0.0.1\u202c", "v1 0.0.1 "],
  ["isolates and marks", "\u2066a\u2069\u200eb\u061c", " a  b "],
])("%s in somebody's text reaches the terminal as blanks", (_, text, shown) => {
  expect(harmless(text)).toBe(shown);
});

test("letters of every script stay as they are", () => {
  for (const text of ["版本 1.0", "нова́", "שלום", "क्षि", "👩‍💻"]) expect(harmless(text)).toBe(text);
});

test("a text of several lines keeps them", () => {
  expect(harmlessLines("one\ntwo\u0007\n")).toBe("one\ntwo \n");
});
