import { mkdir } from "node:fs/promises";
import { ExternalSystemError } from "../../../kernel/errors.ts";
import type { GuardedProxy } from "../../guarded-proxy.ts";
import type { SourceTarget } from "../source-host.ts";
import { fetchMirror, type FetchOutcome, type MirrorFetch, tidyMirror } from "./fetch-mirror.ts";
import { folderSize, watchFolderSize } from "./folder-size.ts";
import { claimFolder } from "./mirror-claim.ts";
import { type MirrorPlace, removeRepository } from "./mirror-place.ts";

/** What a mirror needs besides its target; times in milliseconds. */
export interface MirrorTools {
  readonly program: string;
  readonly proxy: GuardedProxy;
  readonly connectMillis: number;
  readonly fetchMillis: number;
  readonly sizeLimitBytes: number;
  /** Aborted when the program stops. */
  readonly closing: AbortSignal;
}

/** What this process knows of a mirror. */
export interface MirrorState {
  readonly place: MirrorPlace;
  readonly tools: MirrorTools;
  target: SourceTarget;
  /** What is there cannot be relied on. */
  suspect: boolean;
  tooLarge: { readonly error: ExternalSystemError; readonly until: number } | null;
}

/** How long a repository that was too large is left alone. */
const LEFT_ALONE_MILLIS = 600_000;
const MEBIBYTE = 1024 * 1024;

const failure = ({ name }: SourceTarget, message: string, retryable: boolean): ExternalSystemError =>
  new ExternalSystemError(message, { system: name, retryable });

function noteTooLarge(state: MirrorState): ExternalSystemError {
  const { target, tools } = state;
  const limit = `${Math.floor(tools.sizeLimitBytes / MEBIBYTE)} MiB`;
  const message = `reading from ${target.url.host}: the repository is larger than ${limit}`;
  const error = failure(target, message, false);
  state.tooLarge = { error, until: Date.now() + LEFT_ALONE_MILLIS };
  return error;
}

interface Bounds {
  readonly over: AbortController;
  readonly signal: AbortSignal;
  readonly timer: NodeJS.Timeout;
}

/** What ends a fetch before git does: the clock, the size, the end of the program. */
function boundsOf({ target, tools }: MirrorState): Bounds {
  const over = new AbortController();
  const slow = `reading from ${target.url.host}: the repository did not come whole within the time limit`;
  const timer = setTimeout(() => over.abort(failure(target, slow, true)), tools.fetchMillis);
  return { over, signal: AbortSignal.any([over.signal, tools.closing]), timer };
}

async function refuseTooLarge(state: MirrorState): Promise<void> {
  if ((await folderSize(state.place.repository)) > state.tools.sizeLimitBytes) throw noteTooLarge(state);
}

/** For who holds the claim. A mirror that grew too large does not stay. */
async function fetchClaimed(
  state: MirrorState,
  fetch: MirrorFetch,
  tell: (outcome: FetchOutcome) => void,
): Promise<void> {
  try {
    const outcome = await fetchMirror(fetch);
    await refuseTooLarge(state);
    state.suspect = false;
    tell(outcome);
    if (outcome.kind === "done") await tidyMirror(fetch);
  } finally {
    if (state.tooLarge) await removeRepository(state.place);
  }
}

/** Fetches within the limits, as the only one among processes, and tells the outcome before it tidies up. */
export async function fetchInBounds(
  state: MirrorState,
  tell: (outcome: FetchOutcome) => void,
): Promise<void> {
  const { place, target, tools, tooLarge } = state;
  if (tooLarge && tooLarge.until > Date.now()) throw tooLarge.error;
  state.tooLarge = null;
  await mkdir(place.folder, { recursive: true, mode: 0o700 });
  const { over, signal, timer } = boundsOf(state);
  try {
    const claim = await claimFolder(place.folder, signal);
    const { program, proxy, connectMillis, sizeLimitBytes } = tools;
    const anew = state.suspect || claim.inherited;
    const watch = (repository: string): (() => void) =>
      watchFolderSize(repository, sizeLimitBytes, () => over.abort(noteTooLarge(state)));
    try {
      const fetch = { place, target, program, proxy, connectMillis, anew, signal, watch };
      await fetchClaimed(state, fetch, tell);
    } finally {
      await claim.release();
    }
  } finally {
    clearTimeout(timer);
  }
}
