import { describe, expect, it } from "vitest";
import { readImageOption } from "./image-option.ts";

describe("--image of release create", () => {
  it("reads service, container, source, target and no-push", () => {
    expect(readImageOption("api/main=r.example:5000/shop/api:1.0")).toEqual({
      service: "api",
      container: "main",
      source: "r.example:5000/shop/api:1.0",
      target: "",
      push: true,
    });
    expect(readImageOption("api/main=a/b:1,target=c.example/d:2,no-push")).toMatchObject({
      source: "a/b:1",
      target: "c.example/d:2",
      push: false,
    });
  });

  it.each(["", "api", "api=x", "/main=x", "api/main=", "api/main=x,push", "api/main=x,target=a,target=b"])(
    "refuses %j and shows the form",
    (text) => {
      expect(() => readImageOption(text)).toThrow(/--image is/);
    },
  );
});
