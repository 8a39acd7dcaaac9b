import type * as z from "zod";
import type { FreezeDraft } from "../environments/freeze-draft.ts";
import { misuse } from "./failure.ts";
import { given, type JsonOption } from "./options.ts";
import { readMoment } from "./read-moment.ts";

/** What can be said of a freeze on the command line. */
export interface FreezeOptions extends JsonOption {
  readonly reason: string;
  readonly project?: string;
  readonly tier?: string;
  readonly environment?: string;
  readonly from?: string;
  readonly until?: string;
  readonly cron?: string;
  readonly minutes?: number;
  readonly zone?: string;
  readonly allow?: true;
  readonly owner?: string;
  readonly expires?: string;
  readonly bypass?: string;
}

type Body = z.input<typeof FreezeDraft>;

/** The body of the request that makes it. Throws CommandFailure when the times do not go together. */
export function freezeBody(name: string, options: FreezeOptions, now = new Date()): Body {
  const { project, tier, environment, reason, allow, owner, expires, bypass } = options;
  if (environment !== undefined && project === undefined) throw misuse("--environment needs its --project");
  return {
    name,
    reason,
    // Tiers and roles are checked by the server, which says which ones there are.
    place: given({ project, tier: tier as "production" | undefined, environment }),
    effect: allow ? "allow" : "deny",
    ...given({
      schedule: scheduleOf(options, now),
      ownerName: owner,
      expiresAt: expires === undefined ? undefined : readMoment("--expires", expires, now).toISOString(),
      bypass: bypass === "nobody" ? null : (bypass as "admin" | undefined),
    }),
  };
}

function scheduleOf({ from, until, cron, minutes, zone }: FreezeOptions, now: Date): Body["schedule"] {
  const again = [cron, minutes, zone].filter((value) => value !== undefined).length;
  if (again > 0 && (from !== undefined || until !== undefined))
    throw misuse("say --from and --until, or --cron, --minutes and --zone: not both");
  if (cron !== undefined && minutes !== undefined && zone !== undefined)
    return { kind: "recurring", cron, durationMinutes: minutes, zone };
  if (again > 0) throw misuse("--cron, --minutes and --zone go together");
  if (from !== undefined && until === undefined)
    throw misuse("--from needs --until; a freeze without an end begins at once, and can expire (--expires)");
  if (until === undefined) return undefined;
  const startsAt = from === undefined ? now : readMoment("--from", from, now);
  return {
    kind: "once",
    startsAt: startsAt.toISOString(),
    endsAt: readMoment("--until", until, now).toISOString(),
  };
}
