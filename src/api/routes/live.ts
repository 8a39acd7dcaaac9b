import { Readable } from "node:stream";
import type { FastifyPluginAsync, FastifyReply, FastifyRequest } from "fastify";
import { beginFeed } from "../../audit/begin-feed.ts";
import type { LiveEvent } from "../../audit/event.ts";
import { type EventFollower, followEvents } from "../../audit/follow-events.ts";
import type { Context } from "../../context.ts";
import { followDistributions, type ProgressFollower } from "../../distributions/follow-distributions.ts";
import type { ProgressEdition } from "../../distributions/progress-editions.ts";
import { newBell } from "../../kernel/bell.ts";
import { DomainError, isDomainError } from "../../kernel/errors.ts";
import { getProject } from "../../projects/get-project.ts";
import { getReleaseById } from "../../releases/get-release.ts";
import { inputOf, schemaOf } from "../answer.ts";
import { FollowProject } from "../contract/live.ts";
import { type LivePlaces, livePlaces, type PlaceLimits } from "../live-places.ts";
import { progressNews } from "../live-progress.ts";
import { liveText, type LiveTimes } from "../live-stream.ts";

export interface LiveSettings extends LiveTimes, PlaceLimits {}

const SETTINGS: LiveSettings = {
  heartbeatMillis: 15_000,
  recheckMillis: 60_000,
  stallMillis: 30_000,
  perUser: 50,
  together: 2_000,
};

const EVENT_STREAM = "text/event-stream";

/** The live stream of a project. `program` is what looks at the database for all streams at once. */
export const liveRoutes =
  (program: Context, changes: Partial<LiveSettings> = {}): FastifyPluginAsync =>
  async (app) => {
    const settings = { ...SETTINGS, ...changes };
    const places = livePlaces(app, settings);
    let followers: Followers | null = null;
    app.addHook("onClose", async () => {
      await Promise.all([followers?.events.stop(), followers?.progress.stop()]);
    });
    app.route({
      method: FollowProject.method,
      url: FollowProject.path.slice("/v1".length),
      schema: {
        ...schemaOf(FollowProject, {
          description: "Server-sent events",
          content: { [EVENT_STREAM]: { schema: FollowProject.reply } },
        }),
        headers: FollowProject.headers,
      },
      config: { open: false },
      // It would run for ever, and say nothing.
      exposeHeadRoute: false,
      handler: async (request, reply) => {
        // Made for the first reader: without one, nothing looks at the database.
        followers ??= { events: followEvents(program), progress: followDistributions(program) };
        const text = await openStream({ request, reply, settings, places, followers });
        return reply
          .headers({ "content-type": EVENT_STREAM, "cache-control": "no-store", "x-accel-buffering": "no" })
          .send(Readable.from(text));
      },
    });
  };

/** What looks at the database for all streams of this process. */
interface Followers {
  readonly events: EventFollower;
  readonly progress: ProgressFollower;
}

interface Opening {
  readonly request: FastifyRequest;
  readonly reply: FastifyReply;
  readonly settings: LiveSettings;
  readonly places: LivePlaces;
  readonly followers: Followers;
}

/** Refuses what cannot be followed, then follows it for as long as the reader is there. */
async function openStream({ request, reply, settings, places, followers }: Opening) {
  const { params, query } = inputOf<typeof FollowProject>(request);
  const lastSeen = lastSeenOf(request);
  const { projectId, after } = await beginFeed(request.ctx, { projectKey: params.project, lastSeen });
  const wanted = await wantedBy(request.ctx, params.project, query.release);
  const { signal, leave } = places.take(request.ctx.actor);
  const bell = newBell();
  signal.addEventListener("abort", bell.ring);
  const { events, progress } = followers;
  const unfollow = [events.follow(projectId, bell.ring), progress.follow(projectId, bell.ring)];
  whenClosed(reply, () => {
    for (const stop of unfollow) stop();
    leave();
  });
  return liveText(
    {
      after,
      bell,
      signal,
      wants: wanted.event,
      nextEvents: (behind) => events.next(projectId, behind),
      progress: progressNews(() => progress.editions(projectId).filter(wanted.progress), bell.ring),
      refusal: () => refusalOf(request, params.project),
      onStall: () => reply.raw.destroy(),
    },
    settings,
  );
}

/** Also for a reader that has gone already. */
function whenClosed({ raw }: FastifyReply, work: () => void): void {
  if (raw.destroyed) work();
  else raw.once("close", work);
}

/** The header first: it comes from a client that connects again to the address with the parameter. */
function lastSeenOf(request: FastifyRequest): number | null {
  const { query } = inputOf<typeof FollowProject>(request);
  const header = request.headers["last-event-id"];
  const text = (typeof header === "string" && header) || query.lastEventId || "";
  return text === "" ? null : Number(text);
}

/** What a stream is about. */
interface Wanted {
  readonly event: (event: LiveEvent) => boolean;
  readonly progress: (edition: ProgressEdition) => boolean;
}

/** All of the project, or one release and its copy. Throws RELEASE_NOT_FOUND. */
async function wantedBy(ctx: Context, projectKey: string, releaseId: string | undefined): Promise<Wanted> {
  if (releaseId === undefined) return { event: () => true, progress: () => true };
  const view = await getReleaseById(ctx, releaseId);
  if (view.projectKey !== projectKey) throw new DomainError("RELEASE_NOT_FOUND");
  const subjects: ReadonlySet<string | null> = new Set([releaseId, view.distribution.id]);
  return {
    event: ({ subjectId }) => subjects.has(subjectId),
    progress: ({ whole }) => whole.releaseId === releaseId,
  };
}

/** Whether the caller's token is still good, and still lets it see the project. */
async function refusalOf(request: FastifyRequest, projectKey: string): Promise<DomainError | null> {
  try {
    await getProject(await request.identify(), projectKey);
    return null;
  } catch (error) {
    // Anything else says nothing about the caller: the stream breaks off, and the client may come back.
    if (isDomainError(error, "UNAUTHENTICATED", "PROJECT_NOT_FOUND")) return error;
    throw error;
  }
}
