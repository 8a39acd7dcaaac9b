import { argon2Sync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { createLimiter } from "../kernel/limiter.ts";
import { hashPassword, verifyPassword } from "./password.ts";

describe("a password hash", () => {
  it("is argon2id in PHC form with 19 MiB, two passes and a salt of its own", async () => {
    const [one, other] = await Promise.all([hashPassword("correct horse"), hashPassword("correct horse")]);
    expect(one).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    expect(one).not.toBe(other);
    expect(await verifyPassword("correct horse", one)).toBe(true);
    expect(await verifyPassword("correct horse ", one)).toBe(false);
    expect(await verifyPassword("", one)).toBe(false);
  });

  it("is verified with the cost that it was made with", async () => {
    const salt = Buffer.from("0123456789abcdef");
    const terms = { message: "old", nonce: salt, parallelism: 1, tagLength: 32, memory: 64, passes: 1 };
    const encoded = [salt, argon2Sync("argon2id", terms)].map((part) =>
      part.toString("base64").replaceAll("=", ""),
    );
    expect(await verifyPassword("old", `$argon2id$v=19$m=64,t=1,p=1$${encoded.join("$")}`)).toBe(true);
  });

  it("is the same whichever way an accent was typed", async () => {
    expect(await verifyPassword("caf\u00e9 au lait", await hashPassword("cafe\u0301 au lait"))).toBe(true);
  });

  it("refuses everything when there is none", async () => {
    expect(await verifyPassword("", null)).toBe(false);
  });

  it("that cannot be read is an error, not a wrong password", async () => {
    await expect(verifyPassword("x", "plain text")).rejects.toThrow("not in PHC form");
  });
});

describe("a limit", () => {
  it("lets so many run at a time, in the order of asking, also after a failure", async () => {
    const limit = createLimiter(2);
    const started: number[] = [];
    let running = 0;
    let most = 0;
    const work = (number: number) =>
      limit(async () => {
        started.push(number);
        running += 1;
        most = Math.max(most, running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        if (number === 2) throw new Error("failed");
      });
    const ends = await Promise.allSettled([1, 2, 3, 4, 5].map(work));
    expect(ends.map((end) => end.status === "fulfilled")).toEqual([true, false, true, true, true]);
    expect(started).toEqual([1, 2, 3, 4, 5]);
    expect(most).toBe(2);
  });
});
