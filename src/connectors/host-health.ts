import { ExternalSystemError } from "../kernel/errors.ts";
import { CallNotMadeError } from "./call-not-made.ts";
import {
  countAcceptance,
  countAnswer,
  countFailure,
  countRefusal,
  HEALTH_RULE,
  type HealthRule,
  type HostRecord,
  isWell,
  newHostRecord,
  pauseLeft,
  restLeft,
} from "./host-record.ts";
import type { HttpReply } from "./http-reply.ts";
import { pause } from "./pause.ts";
import { momentIn, retryAfterMillis } from "./retry-after.ts";
import { statusWords } from "./status-words.ts";
import { type Traffic, UNCOUNTED } from "./traffic.ts";

/**
 * Who may be called at the moment, by scheme, host and port. After several failures in a row a host rests, and one
 * call at a time finds out whether it is back; after a 429, or a 503 with Retry-After, all calls to it pause.
 * A call waits for a short while, and fails with the moment in words where it would have to wait longer.
 */
export interface HostHealth {
  /** Waits until the call may be made. Throws HostHeldBackError, or the signal's reason. */
  admit(call: HostCall): Promise<Admission>;
}

/** A call that somebody is about to make. */
export interface HostCall {
  readonly url: URL;
  /** How a person knows the system; stands in errors. */
  readonly system: string;
  readonly signal?: AbortSignal | undefined;
  /** A person asks at this moment and wants the host's own answer: not held back. */
  readonly anyway?: boolean | undefined;
}

/**
 * One call that was let through. Whoever made it tells what became of it as soon as that is known: first what came
 * back, and later `failed` when its body breaks off. Nothing is to be told of a call that we gave up ourselves.
 */
export interface Admission {
  /** Any status; below 500 the host is well. */
  answered(reply: Pick<HttpReply, "status" | "header">): void;
  /** The connection failed, was cut or fell silent. Only retryable ExternalSystemErrors without a status count. */
  failed(error: unknown): void;
}

/** A call that was not made: its host is to be left alone for longer than a call waits. */
export class HostHeldBackError extends CallNotMadeError {}

interface Host extends HostRecord {
  /** `host` or `host:port`. */
  readonly name: string;
  /** Those who wait for it. */
  readonly waiting: Set<() => void>;
}

/** How many hosts that are not well are remembered. */
const MOST_HOSTS = 1_000;

/** How long this call has to wait, in milliseconds. Throws when that is too long. */
function waitOf(host: Host, system: string, rule: HealthRule): number {
  const paused = pauseLeft(host);
  const millis = paused || restLeft(host);
  if (millis <= (paused > 0 ? rule.pausePatienceMillis : rule.restPatienceMillis))
    return paused > 0 ? paused + Math.random() * host.spreadMillis : millis;
  const why =
    paused > 0
      ? `it wants to be called less often (HTTP ${host.pausedBy})`
      : `it has failed ${host.failures} times in a row, last: ${host.lastFailure}`;
  throw new HostHeldBackError(`calling ${host.name}: ${why}; it is asked again at ${momentIn(millis)}`, {
    system,
    retryable: true,
    retryAfterMillis: Math.ceil(millis),
  });
}

/** Waits so long, or until the host is well. */
const waitFor = (host: Host, millis: number, signal: AbortSignal | undefined): Promise<void> =>
  pause(millis, signal, (wake) => {
    host.waiting.add(wake);
    return () => host.waiting.delete(wake);
  });

/** Makes the health of all hosts that one process calls. */
export function createHostHealth(traffic: Traffic = UNCOUNTED, rule: HealthRule = HEALTH_RULE): HostHealth {
  /** By origin, those that are not well. */
  const hosts = new Map<string, Host>();
  let calls = 0;

  function hostOf({ origin, host: name }: URL): Host {
    const known = hosts.get(origin);
    if (known) return known;
    const host = { ...newHostRecord(), name, waiting: new Set<() => void>() };
    hosts.set(origin, host);
    const [oldest] = hosts.keys();
    if (hosts.size > MOST_HOSTS && oldest !== undefined) hosts.delete(oldest);
    return host;
  }

  /** Notes what happened, and tells when the host begins or ends its rest. */
  function note(url: URL, change: (host: Host) => void): void {
    const host = hostOf(url);
    const rested = host.restMillis > 0;
    change(host);
    const rests = host.restMillis > 0;
    if (rests !== rested) traffic.breaker(host.name, rests);
    if (rested && !rests) for (const wake of host.waiting) wake();
    if (isWell(host) && host.waiting.size === 0) hosts.delete(url.origin);
  }

  function admission(url: URL): Admission {
    calls += 1;
    const number = calls;
    const call = () => ({ number, latest: calls });
    return {
      answered: ({ status, header }) => {
        const asked = retryAfterMillis(header("retry-after"), new Date());
        const isPause = status === 429 || (status === 503 && asked !== null);
        if (status < 500 && !isPause && !hosts.has(url.origin)) return;
        note(url, (host) => {
          if (status < 500) countAnswer(host);
          if (isPause) countRefusal(host, call(), { status, asked }, rule);
          else if (status < 500) countAcceptance(host, call());
          else countFailure(host, call(), { words: statusWords(status), address: url.pathname }, rule);
        });
      },
      failed: (error) => {
        if (!(error instanceof ExternalSystemError && error.retryable && error.status === null)) return;
        note(url, (host) => countFailure(host, call(), { words: error.message, address: null }, rule));
      },
    };
  }

  return {
    admit: async ({ url, system, signal, anyway = false }) => {
      signal?.throwIfAborted();
      for (let host = hosts.get(url.origin); host && !anyway; host = hosts.get(url.origin)) {
        const millis = waitOf(host, system, rule);
        if (millis === 0) break;
        await waitFor(host, millis, signal);
      }
      return admission(url);
    },
  };
}
