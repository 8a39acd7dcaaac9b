import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { ExternalSystemError } from "../../../kernel/errors.ts";
import { refuseInTransaction } from "../../../kernel/transaction-scope.ts";
import { createGuardedProxy, type GuardedProxy } from "../../guarded-proxy.ts";
import type { SourceHosts, SourceTarget } from "../source-host.ts";
import { checkRemote } from "./check-remote.ts";
import type { MirrorTools } from "./fetch-in-bounds.ts";
import { requireGit } from "./git-version.ts";
import { type Mirror, openMirror } from "./mirror.ts";
import { mirrorPlace, removeUnused } from "./mirror-place.ts";
import { requireReadable } from "./readable-target.ts";
import { refuseText, resolveInMirror, whileOpen } from "./resolve-commit.ts";

/** Where mirrors lie, and limits; times in milliseconds. */
export interface SourceHostsOptions {
  /** Mirrors lie in a folder of it; they can be removed at any time. */
  readonly directory: string;
  /** How long a caller waits. */
  readonly resolveMillis?: number;
  /** How long one fetch may take, with nobody waiting. */
  readonly fetchMillis?: number;
  readonly connectMillis?: number;
  /** The most that one mirror may take up. */
  readonly sizeLimitBytes?: number;
  /** Git's name on the PATH, or its path. */
  readonly program?: string;
}

/** When a caller whose time was up may ask again, in milliseconds. */
const ASK_AGAIN_MILLIS = 5_000;
const MIRRORS_FOLDER = "mirrors";

const lateError = ({ name, url }: SourceTarget): ExternalSystemError =>
  new ExternalSystemError(`reading from ${url.host}: it did not answer within the time limit; ask again`, {
    system: name,
    retryable: true,
    retryAfterMillis: ASK_AGAIN_MILLIS,
  });

const stopError = (): ExternalSystemError =>
  new ExternalSystemError("reading a repository: the program is stopping", {
    system: "git",
    retryable: true,
  });

/** Waits for the work, but not for longer than this; what it has set off may go on. */
async function inTime<T>(
  target: SourceTarget,
  millis: number,
  outer: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController();
  const timer = setTimeout(() => late.abort(lateError(target)), millis);
  const signal = AbortSignal.any([late.signal, outer]);
  try {
    return await whileOpen(work(signal), signal);
  } finally {
    clearTimeout(timer);
  }
}

const toolsFor = (options: SourceHostsOptions, proxy: GuardedProxy, closing: AbortSignal): MirrorTools => ({
  program: options.program ?? "git",
  proxy,
  connectMillis: options.connectMillis ?? 8_000,
  fetchMillis: options.fetchMillis ?? 300_000,
  sizeLimitBytes: options.sizeLimitBytes ?? 2 * 1024 ** 3,
  closing,
});

/** Makes the way to all repositories: mirrors that git's own program fetches, out through the guarded proxy. */
export function createSourceHosts(options: SourceHostsOptions): SourceHosts {
  const directory = resolve(join(options.directory, MIRRORS_FOLDER));
  const closing = new AbortController();
  const proxy = createGuardedProxy();
  const tools = toolsFor(options, proxy, closing.signal);
  const mirrors = new Map<string, Mirror>();
  let ready: Promise<void> | null = null;

  async function prepare(): Promise<void> {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await requireGit(tools.program, directory, closing.signal);
    await removeUnused(directory, Date.now());
  }

  function getReady(): Promise<void> {
    ready ??= prepare().catch((error: unknown) => {
      ready = null;
      throw error;
    });
    return ready;
  }

  async function mirrorOf(target: SourceTarget): Promise<Mirror> {
    await getReady();
    const place = mirrorPlace(directory, target);
    const mirror = mirrors.get(place.folder) ?? openMirror(place, target, tools);
    mirrors.set(place.folder, mirror);
    mirror.use(target);
    return mirror;
  }

  const waitFor = <T>(
    target: SourceTarget,
    signal: AbortSignal | undefined,
    work: (signal: AbortSignal) => Promise<T>,
  ): Promise<T> => {
    const outer = AbortSignal.any([closing.signal, ...(signal ? [signal] : [])]);
    return inTime(target, options.resolveMillis ?? 10_000, outer, work);
  };

  return {
    resolveCommit: async (target, text, signal) => {
      refuseInTransaction(`Reading from ${target.url.host}`);
      requireReadable(target);
      const refused = refuseText(text);
      if (refused) return refused;
      return await waitFor(target, signal, async (inner) =>
        resolveInMirror(await mirrorOf(target), target, text, inner),
      );
    },
    check: async (target, signal) => {
      refuseInTransaction(`Reading from ${target.url.host}`);
      requireReadable(target);
      await getReady();
      return await waitFor(target, signal, (inner) =>
        checkRemote({ ...tools, directory, target, signal: inner }),
      );
    },
    close: async () => {
      closing.abort(stopError());
      await Promise.all([...mirrors.values()].map(({ turns }) => turns.idle()));
      await proxy.close();
    },
  };
}
