import { describe, expect, it } from "vitest";
import { freezeBody } from "./freeze-body.ts";
import { readMoment } from "./read-moment.ts";

const NOW = new Date("2026-11-01T12:00:00Z");
const reason = "because";

describe("the moments of the command line", () => {
  it("are spans from now on, or moments with a zone, or on one's own clock", () => {
    const read = (text: string): string => readMoment("--until", text, NOW).toISOString();
    expect(read("30min")).toBe("2026-11-01T12:30:00.000Z");
    expect(read("8h")).toBe("2026-11-01T20:00:00.000Z");
    expect(read("2d")).toBe("2026-11-03T12:00:00.000Z");
    expect(read("2026-12-20T18:00Z")).toBe("2026-12-20T18:00:00.000Z");
    expect(read("2026-12-20T18:00+02:00")).toBe("2026-12-20T16:00:00.000Z");
    expect(read("2026-12-20 18:00")).toBe(new Date(2026, 11, 20, 18).toISOString());
    expect(read("2026-12-20")).toBe(new Date(2026, 11, 20).toISOString());
  });

  it.each(["", "soon", "8", "-8h", "2026-13-01", "2026-12-20T25:00", "20.12.2026", "2026-12-20T18"])(
    "are not %j",
    (text) => {
      expect(() => readMoment("--until", text, NOW)).toThrow(/^--until .* is no moment/);
    },
  );
});

describe("a freeze of the command line", () => {
  it("holds for everything from now on when nothing else is said", () => {
    expect(freezeBody("a", { reason }, NOW)).toEqual({ name: "a", reason, place: {}, effect: "deny" });
  });

  it("holds until a moment, from now or from another one, or again and again", () => {
    const schedule = (options: object) => freezeBody("a", { reason, ...options }, NOW).schedule;
    expect(schedule({ until: "1h" })).toEqual({
      kind: "once",
      startsAt: "2026-11-01T12:00:00.000Z",
      endsAt: "2026-11-01T13:00:00.000Z",
    });
    expect(schedule({ from: "2026-12-20T00:00Z", until: "2026-12-21T00:00Z" })).toMatchObject({
      startsAt: "2026-12-20T00:00:00.000Z",
    });
    expect(schedule({ cron: "0 9 * * 1-4", minutes: 480, zone: "Europe/Berlin" })).toEqual({
      kind: "recurring",
      cron: "0 9 * * 1-4",
      durationMinutes: 480,
      zone: "Europe/Berlin",
    });
  });

  it("says its place, that it allows, when it expires, and that nobody may bypass it", () => {
    const options = { reason, project: "shop", environment: "prod", allow: true, expires: "1h" } as const;
    expect(freezeBody("a", { ...options, bypass: "nobody", owner: "Ana" }, NOW)).toEqual({
      name: "a",
      reason,
      place: { project: "shop", environment: "prod" },
      effect: "allow",
      expiresAt: "2026-11-01T13:00:00.000Z",
      bypass: null,
      ownerName: "Ana",
    });
  });

  it.each([
    [{ environment: "prod" }, /needs its --project/],
    [{ from: "1h" }, /--from needs --until/],
    [{ cron: "0 9 * * *" }, /go together/],
    [{ minutes: 5, zone: "UTC" }, /go together/],
    [{ until: "1h", cron: "0 9 * * *", minutes: 5, zone: "UTC" }, /not both/],
  ])("refuses %j", (options, words) => {
    expect(() => freezeBody("a", { reason, ...options }, NOW)).toThrow(words);
  });
});
