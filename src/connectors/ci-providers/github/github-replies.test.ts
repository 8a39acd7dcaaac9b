import { describe, expect, it } from "vitest";
import { type GithubReply, githubWords, limitMillis } from "./github-replies.ts";
import { apiOf } from "./github-session.ts";
import { isWorkflowAt } from "./workflow-place.ts";

const NOW = new Date("2026-03-01T12:00:00Z");
const reply = (status: number, headers: Record<string, string>, data: unknown = ""): GithubReply => ({
  status,
  header: (name) => headers[name] ?? null,
  data,
});

describe("a rate limit", () => {
  const spent = { "x-ratelimit-remaining": "0", "x-ratelimit-reset": String(NOW.getTime() / 1000 + 90) };

  it.for([
    ["429 without a word", reply(429, {}), 60_000],
    ["Retry-After in seconds", reply(429, { "retry-after": "5" }), 5_000],
    ["Retry-After as a date", reply(403, { "retry-after": "Sun, 01 Mar 2026 12:00:30 GMT" }), 30_000],
    ["the end of the hour", reply(403, spent), 90_000],
    ["an end that is over", reply(403, { ...spent, "x-ratelimit-reset": "0" }), 1_000],
    ["an end that cannot be read", reply(403, { ...spent, "x-ratelimit-reset": "soon" }), 60_000],
    [
      "a server whose clock is behind",
      reply(403, { ...spent, date: "Sun, 01 Mar 2026 11:59:30 GMT" }),
      120_000,
    ],
    ["GitHub's words", reply(403, {}, { message: "You have exceeded a secondary rate limit" }), 60_000],
    [
      "its former words",
      reply(403, {}, { message: "You have triggered an abuse detection mechanism" }),
      60_000,
    ],
    ["a permission that is missing", reply(403, {}, { message: "Resource not accessible" }), null],
    ["404 when the hour's calls are spent", reply(404, spent), null],
    ["503 with Retry-After", reply(503, { "retry-after": "5" }), null],
  ] as const)("is told by %s", ([, answer, millis]) => {
    expect(limitMillis(answer, NOW)).toBe(millis);
  });
});

describe("the words of a refusal of GitHub's", () => {
  it.for([
    [{ message: "No ref found for: x" }, "No ref found for: x"],
    [
      { message: "Invalid request.\n\nx", errors: ["one", { message: "two" }] },
      "Invalid request. x; one; two",
    ],
    [{ message: "Validation Failed", errors: [{ code: "missing" }] }, "Validation Failed"],
    [{ message: "Validation Failed", errors: "what" }, "Validation Failed"],
    ["<html>", "HTTP 422 Unprocessable Entity"],
    [{ message: "" }, "HTTP 422 Unprocessable Entity"],
  ] as const)("%j", ([data, words]) => {
    expect(githubWords(reply(422, {}, data), [])).toBe(words);
  });
});

it.for([
  ["github.com", false, "https://api.github.com"],
  ["acme.ghe.com", false, "https://api.acme.ghe.com"],
  ["git.example.com", false, "https://git.example.com/api/v3"],
  ["127.0.0.1:8080", true, "http://127.0.0.1:8080/api/v3"],
] as const)("the API of %s begins at its own place", ([host, plainHttp, api]) => {
  expect(apiOf({ host, plainHttp })).toBe(api);
});

it("a run belongs to a workflow by its file, with or without a ref behind it, or by its number", () => {
  const place = { owner: "acme", repo: "web", workflow_id: "deploy.yml" };
  const is = (path: string, id: string = "1"): boolean => isWorkflowAt(place, { id, path });
  expect(is(".github/workflows/deploy.yml")).toBe(true);
  expect(is(".github/workflows/deploy.yml@refs/heads/main")).toBe(true);
  expect(is(".github/workflows/re-deploy.yml")).toBe(false);
  expect(is("deploy.yml")).toBe(false);
  expect(isWorkflowAt({ ...place, workflow_id: "1" }, { id: "1", path: "" })).toBe(true);
  expect(isWorkflowAt({ ...place, workflow_id: "2" }, { id: "1", path: "" })).toBe(false);
});
