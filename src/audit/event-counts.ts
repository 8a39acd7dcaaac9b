import type { EventKind } from "./event.ts";

const counts = new Map<EventKind, number>();

/** One more event of this kind was recorded, and its transaction has committed. */
export const countEvent = (kind: EventKind): void => void counts.set(kind, (counts.get(kind) ?? 0) + 1);

/** How many events of each kind this process has recorded since it started. */
export const countsOfEvents = (): ReadonlyMap<EventKind, number> => counts;
