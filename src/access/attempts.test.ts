import { expect, it } from "vitest";
import { createAttempts, networkOf } from "./attempts.ts";

const at = (millis: number) => new Date(1_700_000_000_000 + millis);

it("refuses the attempt past the limit, for its key only, until the window ends", () => {
  const attempts = createAttempts(2, 1000);
  attempts.take("a", at(0));
  attempts.take("a", at(500));
  expect(() => attempts.take("a", at(999))).toThrow("Too many attempts; try again in 1 seconds");
  attempts.take("b", at(999));
  attempts.take("a", at(1000));
});

it("does not count an attempt that was given back", () => {
  const attempts = createAttempts(1, 1000);
  attempts.take("a", at(0));
  attempts.giveBack("a");
  attempts.take("a", at(1));
  expect(() => attempts.take("a", at(2))).toThrow("Too many attempts");
});

it("keeps a bounded number of keys", () => {
  const attempts = createAttempts(1, 1000, 2);
  for (const key of ["a", "b", "c"]) attempts.take(key, at(0));
  attempts.take("a", at(1));
  expect(() => attempts.take("c", at(1))).toThrow("Too many attempts");
});

it("takes an IPv6 customer's addresses for one, and an IPv4 address in IPv6 clothes for itself", () => {
  expect(networkOf("2001:db8:1:2::1")).toBe(networkOf("2001:db8:1:2:ffff::9"));
  expect(networkOf("2001:db8:1:2::1")).not.toBe(networkOf("2001:db8:1:3::1"));
  expect(networkOf("::ffff:192.0.2.7")).toBe(networkOf("192.0.2.7"));
  expect(networkOf("192.0.2.7")).not.toBe(networkOf("192.0.2.8"));
  expect(networkOf("nonsense")).toBe("nonsense");
});
