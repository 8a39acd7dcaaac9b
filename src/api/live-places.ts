import type { FastifyInstance } from "fastify";
import type { Actor } from "../access/actor.ts";
import { DomainError } from "../kernel/errors.ts";

/** How many streams this process keeps open for one user, and for all together. */
export interface PlaceLimits {
  readonly perUser: number;
  readonly together: number;
}

/** What an open stream holds. */
export interface LivePlace {
  /** Aborted when the stream is to end: the server stops, or its reader has gone. */
  readonly signal: AbortSignal;
  /** The stream is over: its place is free. */
  readonly leave: () => void;
}

/** The places for streams that stay open. */
export interface LivePlaces {
  /** Throws RATE_LIMITED when there is none for this caller. */
  take(actor: Actor): LivePlace;
}

/** A place becomes free when somebody goes, and nobody knows when. */
const RETRY_SECONDS = 30;
/** How long the server's stop waits for streams to end in good order. */
const GOODBYE_MILLIS = 1_000;

/** When the server stops, streams are told before their connections are cut, so that each ends as a whole answer. */
export function livePlaces(app: FastifyInstance, { perUser, together }: PlaceLimits): LivePlaces {
  const streams = new Map<AbortController, string>();
  const countOf = (user: string): number =>
    streams
      .values()
      .filter((one) => one === user)
      .toArray().length;
  let allGone = (): void => undefined;

  app.addHook("preClose", async () => {
    if (streams.size === 0) return;
    const gone = new Promise<void>((resolve) => {
      allGone = resolve;
      setTimeout(resolve, GOODBYE_MILLIS).unref();
    });
    for (const stream of streams.keys()) stream.abort();
    await gone;
  });

  return {
    take(actor) {
      const user = actor.userId ?? `name:${actor.name}`;
      if (countOf(user) >= perUser)
        refuse(`You have ${perUser} live streams open here, which is all you get`);
      if (streams.size >= together)
        refuse(`This server has ${together} live streams open, which is all it gives`);
      const stream = new AbortController();
      streams.set(stream, user);
      const leave = (): void => {
        stream.abort();
        streams.delete(stream);
        if (streams.size === 0) allGone();
      };
      return { signal: stream.signal, leave };
    },
  };
}

function refuse(message: string): never {
  throw new DomainError("RATE_LIMITED", `${message}: close one, or ask again and again instead`, {
    retryAfterSeconds: RETRY_SECONDS,
  });
}
