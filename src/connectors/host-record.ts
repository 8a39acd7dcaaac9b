/**
 * What is remembered of one host that is not well:
 *
 * - **counting**: it has failed some times in a row. Calls that were under way together when one failed count once,
 *   so a restart is one failure; answers of 5xx at one address count once too, for the trouble may be that address's
 *   own. Any other answer ends the count.
 * - **resting**: the count is full. Nobody calls for a period; then one call is let through, and the period begins
 *   again for the others. When that call fails the period doubles. Any answer ends the rest.
 * - **paused**, besides either: it asked to be left alone, or answered 429 without saying for how long.
 *
 * Moments are those of `performance.now()`, so that a clock that is set changes nothing.
 */
export interface HostRecord {
  failures: number;
  failedAt: number;
  lastFailure: string;
  /** The addresses whose 5xx are counted. */
  readonly failedAddresses: Set<string>;
  /** The last call that was let through when a failure was counted. */
  failuresUpTo: number;
  /** 0 while it does not rest. */
  restMillis: number;
  restsUntil: number;
  /** 429 in a row, and the last call that was let through when one was counted. */
  refusals: number;
  refusalsUpTo: number;
  pausedUntil: number;
  /** The status that began the pause. */
  pausedBy: number;
  /** Over how long those who waited for a pause to end are spread. */
  spreadMillis: number;
}

/** Times in milliseconds. */
export interface HealthRule {
  /** So many failures in a row and the host rests. */
  readonly failures: number;
  /** Failures further apart than this are not in a row. */
  readonly forgetMillis: number;
  readonly firstRestMillis: number;
  readonly longestRestMillis: number;
  /** How long a call waits for the end of a rest at a time. */
  readonly restPatienceMillis: number;
  /** The first pause after a 429 that names none; it doubles while that goes on. */
  readonly firstPauseMillis: number;
  readonly longestPauseMillis: number;
  /** How long a call waits for the end of a pause. */
  readonly pausePatienceMillis: number;
  /** However long a pause the host asks for, after this it is asked again. */
  readonly keptPauseMillis: number;
}

export const HEALTH_RULE: HealthRule = {
  failures: 5,
  forgetMillis: 60_000,
  firstRestMillis: 2_000,
  longestRestMillis: 60_000,
  restPatienceMillis: 10_000,
  firstPauseMillis: 1_000,
  longestPauseMillis: 300_000,
  pausePatienceMillis: 60_000,
  keptPauseMillis: 300_000,
};

const LONGEST_SPREAD_MILLIS = 2_000;

export const newHostRecord = (): HostRecord => ({
  failures: 0,
  failedAt: 0,
  lastFailure: "",
  failedAddresses: new Set(),
  failuresUpTo: 0,
  restMillis: 0,
  restsUntil: 0,
  refusals: 0,
  refusalsUpTo: 0,
  pausedUntil: 0,
  pausedBy: 0,
  spreadMillis: 0,
});

/** A call by its number among all calls, and the number of the last one so far. */
export interface NumberedCall {
  readonly number: number;
  readonly latest: number;
}

/** What failed: in words, and for an answer of 5xx at which address. */
export interface HostFailure {
  readonly words: string;
  readonly address: string | null;
}

/** Counts a failure, unless it belongs to one that is counted. */
export function countFailure(
  host: HostRecord,
  call: NumberedCall,
  { words, address }: HostFailure,
  rule: HealthRule,
): void {
  if (call.number <= host.failuresUpTo) return;
  const now = performance.now();
  const inRow = host.restMillis > 0 || now - host.failedAt <= rule.forgetMillis;
  if (!inRow) host.failedAddresses.clear();
  const isKnown = address !== null && host.failedAddresses.has(address);
  if (isKnown && host.restMillis === 0) return;
  if (address !== null) host.failedAddresses.add(address);
  host.failures = inRow ? host.failures + 1 : 1;
  host.failuresUpTo = call.latest;
  host.failedAt = now;
  host.lastFailure = words;
  if (host.failures < rule.failures) return;
  host.restMillis = Math.min(host.restMillis * 2 || rule.firstRestMillis, rule.longestRestMillis);
  host.restsUntil = now + host.restMillis;
}

/** An answer that asks for fewer calls: its status, and how long it asks to wait, in milliseconds. */
export interface Refusal {
  readonly status: number;
  readonly asked: number | null;
}

/** Begins a pause of the length that was asked for, or of our own; never shortens one. */
export function countRefusal(
  host: HostRecord,
  call: NumberedCall,
  { status, asked }: Refusal,
  rule: HealthRule,
): void {
  const isNew = call.number > host.refusalsUpTo;
  if (!isNew && asked === null) return;
  if (isNew) {
    host.refusals += 1;
    host.refusalsUpTo = call.latest;
  }
  const own = Math.min(rule.firstPauseMillis * 2 ** (host.refusals - 1), rule.longestPauseMillis);
  const millis = Math.min(asked ?? own, rule.keptPauseMillis);
  const until = performance.now() + millis;
  if (until <= host.pausedUntil) return;
  host.pausedUntil = until;
  host.pausedBy = status;
  host.spreadMillis = Math.min(millis / 4, LONGEST_SPREAD_MILLIS);
}

/** Ends count and rest: the host answers. */
export function countAnswer(host: HostRecord): void {
  host.failures = 0;
  host.failedAddresses.clear();
  host.restMillis = 0;
}

/** Ends the row of 429, unless this call was under way when the last one came. */
export function countAcceptance(host: HostRecord, call: NumberedCall): void {
  if (call.number > host.refusalsUpTo) host.refusals = 0;
}

export const isWell = (host: HostRecord): boolean =>
  host.failures === 0 && host.refusals === 0 && host.pausedUntil <= performance.now();

/** How long the pause still lasts, in milliseconds; 0 when there is none. */
export const pauseLeft = (host: HostRecord): number => Math.max(0, host.pausedUntil - performance.now());

/** How long the host still rests, in milliseconds; 0 when it does not, or when this call is the one that finds out. */
export function restLeft(host: HostRecord): number {
  if (host.restMillis === 0) return 0;
  const now = performance.now();
  if (host.restsUntil > now) return host.restsUntil - now;
  host.restsUntil = now + host.restMillis;
  return 0;
}
