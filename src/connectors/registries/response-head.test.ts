import { expect, it } from "vitest";
import { parseHead } from "./response-head.ts";

const parse = (text: string) => parseHead(Buffer.from(text, "latin1"));

it("reads status, headers in lower case, length, and where the body begins", () => {
  const text = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A:  b \r\n\r\nhello";
  const parsed = parse(text);
  expect(parsed?.head).toMatchObject({ status: 200, length: 5, keepAlive: true });
  expect(parsed?.head.headers.get("x-a")).toBe("b");
  expect(text.slice(parsed?.bodyAt)).toBe("hello");
});

it.each(["", "HTTP/1.1 200 OK", "HTTP/1.1 200 OK\r\nContent-Le", "HTTP/1.1 100 Continue\r\n\r\n"])(
  "waits for more after %j",
  (text) => {
    expect(parse(text)).toBeNull();
  },
);

it("passes over 1xx answers", () => {
  const text =
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 201 Created\r\n\r\n";
  expect(parse(text)?.head.status).toBe(201);
});

it.each([
  ["HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", false],
  ["HTTP/1.1 200 OK\r\nConnection: Foo , Close\r\ncontent-length: 0\r\n\r\n", false],
  ["HTTP/1.0 200 OK\r\ncontent-length: 0\r\n\r\n", false],
  ["HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n", true],
])("knows whether the connection stays: %j", (text, keepAlive) => {
  expect(parse(text)?.head.keepAlive).toBe(keepAlive);
});

it.each([
  ["HTTP/1.1 200 OK\r\n\r\n", null],
  ["HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n", null],
  ["HTTP/1.1 204 No Content\r\n\r\n", 0],
  ["HTTP/1.1 200 OK\r\ncontent-length: 7\r\ncontent-length: 7\r\n\r\n", 7],
  ["HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", 0],
])("knows the length, or that it does not: %j", (text, length) => {
  expect(parse(text)?.head.length).toBe(length);
});

it.each([
  "HTTP/2 200 OK\r\n\r\n",
  "ICY 200 OK\r\n\r\n",
  "HTTP/1.1 2x0 OK\r\n\r\n",
  "HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
  "HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
  "HTTP/1.1 200 OK\r\ncontent-length: 1e3\r\n\r\n",
  "HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n",
  "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
  "HTTP/1.1 200 OK\r\na: b\r\n folded\r\n\r\n",
  "HTTP/1.1 200 OK\r\nspace : x\r\n\r\n",
  "<html>\r\n\r\n",
])("refuses %j", (text) => {
  expect(() => parse(text)).toThrow(expect.objectContaining({ code: "HPE_INVALID" }));
});

it("refuses a head that does not end", () => {
  expect(() => parse(`HTTP/1.1 200 OK\r\n${"a: b\r\n".repeat(6000)}`)).toThrow(
    expect.objectContaining({ code: "UND_ERR_HEADERS_OVERFLOW" }),
  );
});

it("refuses answers without end that only announce another", () => {
  expect(() => parse("HTTP/1.1 100 Continue\r\n\r\n".repeat(2000))).toThrow(
    expect.objectContaining({ code: "UND_ERR_HEADERS_OVERFLOW" }),
  );
});
