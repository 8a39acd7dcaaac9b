import type { Freeze, FreezeSchedule, FrozenPlace } from "../../src/environments/freeze.ts";

const id = (number: number): string => number.toString(16).padStart(24, "0");

/** Another project and another environment than those of `shopProduction`. */
export const [SHOP, BANK, PRODUCTION, STAGING] = [id(1), id(2), id(3), id(4)] as const;

/** The environment that the rules are asked about. */
export const shopProduction: FrozenPlace = {
  projectId: SHOP,
  tier: "production",
  environmentId: PRODUCTION,
};

let made = 0;

/** A deny of everything from 2026 on, but for what is said. */
export function someFreeze(facts: Partial<Freeze> = {}): Freeze {
  made += 1;
  return {
    id: id(made),
    name: `freeze-${made}`,
    scope: { level: "everything" },
    effect: "deny",
    schedule: { kind: "now", startsAt: new Date("2026-01-01T00:00:00Z") },
    reason: "a test",
    ownerName: "ann",
    createdBy: "ann",
    createdAt: new Date("2026-01-01T00:00:00Z"),
    expiresAt: null,
    bypass: null,
    origin: "person",
    liftedAt: null,
    liftedBy: null,
    ...facts,
  };
}

/** From one moment to another. */
export const once = (startsAt: string, endsAt: string): FreezeSchedule => ({
  kind: "once",
  startsAt: new Date(startsAt),
  endsAt: new Date(endsAt),
});

/** Whenever the expression comes, in UTC unless said otherwise. */
export const recurring = (cron: string, durationMinutes: number, zone = "UTC"): FreezeSchedule => ({
  kind: "recurring",
  cron,
  durationMinutes,
  zone,
});
