import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallenges } from "./challenge.ts";

describe("a WWW-Authenticate header", () => {
  it.for([
    [
      'Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:a/b:pull,push"',
      [
        {
          scheme: "bearer",
          params: {
            realm: "https://auth.example.com/token",
            service: "registry.example.com",
            scope: "repository:a/b:pull,push",
          },
        },
      ],
    ],
    [
      'Basic realm="a \\"quoted\\" place, with comma"',
      [{ scheme: "basic", params: { realm: 'a "quoted" place, with comma' } }],
    ],
    [
      'Negotiate, Basic realm=simple , BEARER Realm = "x" , service=y',
      [
        { scheme: "negotiate", params: {} },
        { scheme: "basic", params: { realm: "simple" } },
        { scheme: "bearer", params: { realm: "x", service: "y" } },
      ],
    ],
    [
      'Negotiate YIIB6w==, Bearer realm="x"',
      [
        { scheme: "negotiate", params: {} },
        { scheme: "bearer", params: { realm: "x" } },
      ],
    ],
    ["", []],
    ["  , ,", []],
    ['"nonsense', []],
  ] as const)("reads %s", ([header, challenges]) => {
    expect(parseChallenges(header)).toEqual(challenges);
  });

  it("reads back any quoted value, and never hangs or throws on any text", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (value, junk) => {
        const quoted = value.replaceAll(/["\\]/g, "\\$&").replaceAll(/[\r\n\u2028\u2029]/g, " ");
        const plain = value.replaceAll(/[\r\n\u2028\u2029]/g, " ");
        expect(parseChallenges(`Bearer realm="${quoted}"`)).toEqual([
          { scheme: "bearer", params: { realm: plain } },
        ]);
        expect(parseChallenges(junk)).toBeInstanceOf(Array);
      }),
    );
  });
});
