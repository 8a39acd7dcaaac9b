import { describe, expect, it } from "vitest";
import type { HttpReply } from "../http-reply.ts";
import { printable } from "../printable.ts";
import { replyWords } from "./reply-words.ts";

const refusal = (status: number, body: string): HttpReply => ({
  status,
  url: new URL("https://registry.example.com"),
  header: () => null,
  bytes: () => Promise.resolve(Buffer.from(body)),
  beginning: (limit) => Promise.resolve(Buffer.from(body).subarray(0, limit)),
  stream: async function* () {
    yield Buffer.from(body);
  },
  discard: () => Promise.resolve(),
  drop: () => Promise.resolve(),
});

describe("the words of a refusal", () => {
  it.for([
    [
      404,
      '{"errors":[{"code":"NAME_UNKNOWN","message":"no such repository","detail":{"a":1}}]}',
      "NAME_UNKNOWN: no such repository",
    ],
    [403, '{"errors":[{"code":"DENIED"},{"message":"not yours"}]}', "DENIED; not yours"],
    [400, '{"error":"invalid_scope","error_description":"too wide"}', "invalid_scope: too wide"],
    [401, '{"details":"incorrect username or password"}', "incorrect username or password"],
    [502, "<html>Bad gateway</html>", "HTTP 502 Bad Gateway"],
    [599, "", "HTTP 599"],
    [500, '{"errors":[]}', "HTTP 500 Internal Server Error"],
  ] as const)("%s %s", async ([status, body, words]) => {
    expect(await replyWords(refusal(status, body), [])).toBe(words);
  });

  it("are one line of at most 300 characters without secrets, even where the cut goes through one", () => {
    const text = printable(`${"x".repeat(295)}hunter2-and-more\r\n\u0007next\u2028line`, [
      "hunter2-and-more",
      "",
    ]);
    expect(text).toHaveLength(300);
    expect(text).not.toContain("hunter");
    expect(printable("a\r\n\u0007b\u2028c", [])).toBe("a b c");
  });
});
