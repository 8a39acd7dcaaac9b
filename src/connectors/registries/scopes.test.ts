import { expect, it } from "vitest";
import { mergeScopes, pullScope, pushScope } from "./scopes.ts";

it("equal needs look equal: one scope per repository, actions and repositories in one order", () => {
  expect(
    mergeScopes([pushScope("b"), pullScope("a"), "repository:b:push", "repository:a:delete,pull"]),
  ).toEqual(["repository:a:delete,pull", "repository:b:pull,push"]);
  expect(mergeScopes([])).toEqual([]);
});
