import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { ExternalSystemError } from "../kernel/errors.ts";
import { type Admission, createHostHealth, type HostHealth } from "./host-health.ts";
import type { Traffic } from "./traffic.ts";

const URL_A = new URL("https://a.example.com/v2/");
const down = new ExternalSystemError("connecting to a.example.com: connection refused", {
  system: "test",
  retryable: true,
});
const reply = (status: number, retryAfter: string | null = null) => ({
  status,
  header: (name: string) => (name === "retry-after" ? retryAfter : null),
});

describe("the health of hosts", () => {
  let breaker: [string, boolean][];
  let health: HostHealth;

  beforeEach(() => {
    vi.useFakeTimers({ now: new Date("2026-11-01T12:00:00Z") });
    breaker = [];
    const traffic: Traffic = {
      bytes: () => undefined,
      retry: () => undefined,
      breaker: (host, open) => void breaker.push([host, open]),
    };
    health = createHostHealth(traffic);
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  const admit = (url = URL_A, signal?: AbortSignal): Promise<Admission> =>
    health.admit({ url, system: "test", signal });
  const fail = async (times: number): Promise<void> => {
    for (let count = 0; count < times; count += 1) (await admit()).failed(down);
  };
  /** Asks to be let through and says, at any later moment, whether that has happened. */
  const ask = () => {
    const state: { admission: Admission | null; error: unknown } = { admission: null, error: null };
    admit().then(
      (admission) => (state.admission = admission),
      (error: unknown) => (state.error = error),
    );
    return state;
  };
  const pass = (millis: number): Promise<unknown> => vi.advanceTimersByTimeAsync(millis);
  const admitted = (asked: readonly { admission: Admission | null }[]): number =>
    asked.filter(({ admission }) => admission !== null).length;

  describe("a host that fails", () => {
    it("is called until it has failed five times in a row", async () => {
      await fail(4);
      (await admit()).answered(reply(404));
      await fail(4);
      await admit();
      expect(breaker).toEqual([]);
      await fail(1);
      expect(breaker).toEqual([["a.example.com", true]]);
      const asked = ask();
      await pass(0);
      expect(asked).toEqual({ admission: null, error: null });
    });

    it("counts calls once that were under way together", async () => {
      const together = await Promise.all(Array.from({ length: 20 }, () => admit()));
      for (const one of together) one.failed(down);
      await fail(3);
      expect(breaker).toEqual([]);
      await fail(1);
      expect(breaker).toHaveLength(1);
    });

    it("counts 5xx and what breaks after an answer, and neither refusals nor what will not pass", async () => {
      const lasting = new ExternalSystemError("untrusted certificate", { system: "test", retryable: false });
      for (let count = 0; count < 10; count += 1) {
        (await admit()).failed(lasting);
        (await admit()).failed(new Error("a bug"));
        (await admit()).answered(reply(403));
      }
      expect(breaker).toEqual([]);
      for (const path of ["a", "b", "c", "d"]) (await admit(new URL(path, URL_A))).answered(reply(502));
      expect(breaker).toEqual([]);
      const broken = await admit();
      broken.failed(down);
      expect(breaker).toHaveLength(1);
    });

    it("is called on when one address of it answers 5xx again and again", async () => {
      for (let count = 0; count < 20; count += 1) (await admit()).answered(reply(503));
      expect(breaker).toEqual([]);
      await fail(3);
      expect(breaker).toEqual([]);
      await fail(1);
      expect(breaker).toHaveLength(1);
    });

    it("forgets failures that lie far apart", async () => {
      await fail(4);
      await pass(60_001);
      await fail(4);
      expect(breaker).toEqual([]);
    });

    it("is asked by one call after a while; when that succeeds all go on", async () => {
      await fail(5);
      const asked = [ask(), ask(), ask()];
      await pass(1_999);
      expect(admitted(asked)).toBe(0);
      await pass(1);
      expect(admitted(asked)).toBe(1);
      asked.find(({ admission }) => admission)?.admission?.answered(reply(200));
      await pass(0);
      expect(admitted(asked)).toBe(3);
      expect(breaker).toEqual([
        ["a.example.com", true],
        ["a.example.com", false],
      ]);
    });

    it("is left alone twice as long each time that call fails, and then says so at once", async () => {
      await fail(5);
      for (const millis of [2_000, 4_000, 8_000]) {
        const asked = [ask(), ask()];
        await pass(millis - 1);
        expect(admitted(asked)).toBe(0);
        await pass(1);
        expect(admitted(asked)).toBe(1);
        asked.find(({ admission }) => admission)?.admission?.failed(down);
      }
      await expect(admit()).rejects.toMatchObject({
        name: "ExternalSystemError",
        retryable: true,
        retryAfterMillis: 16_000,
        message:
          "calling a.example.com: it has failed 8 times in a row, last: connecting to a.example.com: " +
          "connection refused; it is asked again at 12:00:30 UTC",
      });
    });

    it("is asked again although the call that was to find out never ends", async () => {
      await fail(5);
      await pass(2_000);
      await admit();
      const asked = [ask(), ask()];
      await pass(2_000);
      expect(admitted(asked)).toBe(1);
    });

    it("is left alone for a minute at most", async () => {
      await fail(5);
      for (let count = 0; count < 10; count += 1) {
        await pass(60_000);
        (await admit()).failed(down);
      }
      await expect(admit()).rejects.toMatchObject({ retryAfterMillis: 60_000 });
    });

    it("an answer that was long on its way ends the rest too", async () => {
      const slow = await admit();
      await fail(5);
      slow.answered(reply(201));
      await admit();
      expect(breaker.at(-1)).toEqual(["a.example.com", false]);
    });

    it("is no reason to spare another host, port or scheme", async () => {
      await fail(5);
      const others = ["https://b.example.com", "https://a.example.com:5000", "http://a.example.com"];
      expect(await Promise.all(others.map((other) => admit(new URL(other))))).toHaveLength(3);
    });

    it("is called when a person asks for it", async () => {
      await fail(5);
      (await health.admit({ url: URL_A, system: "test", anyway: true })).answered(reply(200));
      await admit();
      expect(breaker.at(-1)).toEqual(["a.example.com", false]);
    });
  });

  describe("a host that asks for a pause", () => {
    it.for([429, 503])("gets it from all callers after a %i, who then come one by one", async (status) => {
      vi.spyOn(Math, "random").mockReturnValueOnce(0).mockReturnValueOnce(0.5).mockReturnValueOnce(1);
      (await admit()).answered(reply(status, "20"));
      const asked = [ask(), ask(), ask()];
      await pass(19_999);
      expect(admitted(asked)).toBe(0);
      await pass(1);
      expect(admitted(asked)).toBe(1);
      await pass(1_000);
      expect(admitted(asked)).toBe(2);
      await pass(1_000);
      expect(admitted(asked)).toBe(3);
      expect(breaker).toEqual([]);
    });

    it("for too long: the call fails at once and says when", async () => {
      (await admit()).answered(reply(429, "120"));
      await expect(admit()).rejects.toMatchObject({
        message:
          "calling a.example.com: it wants to be called less often (HTTP 429); it is asked again at 12:02:00 UTC",
        retryAfterMillis: 120_000,
        retryable: true,
      });
    });

    it("names the day when it is not today, and is asked again after five minutes whatever it said", async () => {
      vi.setSystemTime(new Date("2026-11-01T23:59:00Z"));
      (await admit()).answered(reply(429, "86400"));
      await expect(admit()).rejects.toThrow("is asked again at 2026-11-02 00:04:00 UTC");
      await pass(300_000);
      await admit();
    });

    it("without saying how long gets a second, then more, until it takes a call", async () => {
      vi.spyOn(Math, "random").mockReturnValue(0);
      for (const millis of [1_000, 2_000, 4_000]) {
        (await admit()).answered(reply(429));
        const asked = ask();
        await pass(millis - 1);
        expect(asked.admission).toBeNull();
        await pass(1);
        expect(asked.admission).not.toBeNull();
      }
      (await admit()).answered(reply(200));
      (await admit()).answered(reply(429));
      const asked = ask();
      await pass(1_000);
      expect(asked.admission).not.toBeNull();
    });

    it("with a quota that is used up is soon called no more", async () => {
      vi.spyOn(Math, "random").mockReturnValue(0);
      for (const millis of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000]) {
        (await admit()).answered(reply(429));
        await pass(millis);
      }
      (await admit()).answered(reply(429));
      await expect(admit()).rejects.toThrow("it wants to be called less often (HTTP 429)");
    });

    it("counts refusals once of calls that were under way together", async () => {
      vi.spyOn(Math, "random").mockReturnValue(0);
      const together = await Promise.all([admit(), admit(), admit(), admit()]);
      for (const one of together) one.answered(reply(429));
      const asked = ask();
      await pass(1_000);
      expect(asked.admission).not.toBeNull();
    });

    it("keeps the longer of two pauses", async () => {
      const [one, other] = await Promise.all([admit(), admit()]);
      one.answered(reply(429, "50"));
      other.answered(reply(429, "1"));
      const asked = ask();
      await pass(49_999);
      expect(asked.admission).toBeNull();
    });

    it("is alive: failures before it do not count any more", async () => {
      await fail(4);
      (await admit()).answered(reply(429, "0"));
      await fail(4);
      expect(breaker).toEqual([]);
    });
  });

  it("waiting ends with the signal's reason", async () => {
    await fail(5);
    const controller = new AbortController();
    const waiting = admit(URL_A, controller.signal);
    controller.abort(new Error("cancelled by a person"));
    await expect(waiting).rejects.toThrow("cancelled by a person");
    await expect(admit(new URL("https://b.example.com"), controller.signal)).rejects.toThrow("cancelled");
  });
});
