import { mkdir, rename, writeFile } from "node:fs/promises";
import type { ExternalSystemError } from "../../../kernel/errors.ts";
import { trustedPem } from "../../guarded-connect.ts";
import type { GuardedProxy } from "../../guarded-proxy.ts";
import type { SourceTarget } from "../source-host.ts";
import { type FetchFailure, readFetchFailure } from "./fetch-failure.ts";
import { fetchEnvironment, LOCAL_ENVIRONMENT } from "./git-environment.ts";
import {
  isThere,
  type MirrorPlace,
  newRepository,
  putInPlace,
  removeFolder,
  removeLeftovers,
  removeUnfinished,
} from "./mirror-place.ts";
import { runGit } from "./run-git.ts";

/** What came of a fetch. */
export type FetchOutcome =
  | { readonly kind: "done" }
  | { readonly kind: "no_repository"; readonly text: string };

/** One fetch of one mirror, for who holds the claim on its folder. */
export interface MirrorFetch {
  readonly place: MirrorPlace;
  readonly target: SourceTarget;
  readonly program: string;
  readonly proxy: GuardedProxy;
  readonly connectMillis: number;
  /** What is there cannot be relied on: fetch everything anew. */
  readonly anew: boolean;
  readonly signal: AbortSignal;
  /** Told of each repository that is written in. */
  readonly watch: (repository: string) => () => void;
}

type Ended = { readonly kind: "done" } | FetchFailure;

/**
 * Commits are all that is asked for. Not every host takes every filter, and what a tag names may itself be filtered
 * away, which git finds out at the end: then a weaker filter is tried.
 */
const FILTERS = ["--filter=tree:0", "--filter=blob:none", "--no-filter"];
const HASHES = ["sha1", "sha256"] as const;
const FETCH = [
  "fetch",
  "--quiet",
  "--prune",
  "--no-tags",
  "--no-recurse-submodules",
  "--no-write-fetch-head",
  "--no-auto-maintenance",
];
/** Branches and tags alone: what a host keeps under other names, such as requests to merge, is nothing to release. */
const REFS = ["+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"];

/** Written aside first: another process may be reading it. */
async function writeTrust({ trustFile }: MirrorPlace, caPem: string | null): Promise<void> {
  const draft = `${trustFile}.new`;
  await writeFile(draft, trustedPem(caPem), { mode: 0o600 });
  await rename(draft, trustFile);
}

async function fetchWith(fetch: MirrorFetch, repository: string, filter: string): Promise<Ended> {
  const { target, proxy, place, program, signal, connectMillis } = fetch;
  const { allowPrivate, caPem } = target;
  const pass = await proxy.admit(target.url, { allowPrivate, caPem, timeoutMillis: connectMillis });
  const stopWatching = fetch.watch(repository);
  try {
    const environment = fetchEnvironment(target, { proxyUrl: pass.url, trustFile: place.trustFile });
    const args = [...FETCH, filter, "--", target.url.href, ...REFS];
    const { code, stderr } = await runGit({ program, repository, args, environment, signal });
    return code === 0 ? { kind: "done" } : readFetchFailure(target, stderr, pass.failure());
  } finally {
    stopWatching();
    pass.end();
  }
}

async function fetchInto(fetch: MirrorFetch, repository: string): Promise<Ended> {
  let ended: Ended = { kind: "filter_refused" };
  for (const filter of FILTERS) {
    ended = await fetchWith(fetch, repository, filter);
    if (ended.kind !== "filter_refused" && ended.kind !== "odd") break;
  }
  return ended;
}

async function makeRepository(
  { program, signal }: MirrorFetch,
  repository: string,
  hash: string,
): Promise<void> {
  await mkdir(repository, { mode: 0o700 });
  const args = ["init", "--bare", "--quiet", "--template=", `--object-format=${hash}`];
  const { code, stderr } = await runGit({
    program,
    repository,
    args,
    environment: LOCAL_ENVIRONMENT,
    signal,
  });
  if (code !== 0) throw new Error(`a mirror cannot be made in ${repository}: ${stderr}`);
}

/** Fetches everything aside, and puts it in place when it is whole. */
async function fetchAnew(fetch: MirrorFetch): Promise<Ended> {
  let ended: Ended = { kind: "other_hash" };
  for (const hash of HASHES) {
    const made = newRepository(fetch.place);
    try {
      await makeRepository(fetch, made, hash);
      ended = await fetchInto(fetch, made);
      if (ended.kind === "done") await putInPlace(fetch.place, made);
    } finally {
      await removeFolder(made);
    }
    if (ended.kind !== "other_hash") break;
  }
  return ended;
}

async function fetchMore(fetch: MirrorFetch): Promise<Ended> {
  await removeLeftovers(fetch.place.repository);
  const ended = await fetchInto(fetch, fetch.place.repository);
  return ended.kind === "odd" || ended.kind === "other_hash" ? fetchAnew(fetch) : ended;
}

const unexpected = ({ target }: MirrorFetch): Error =>
  new Error(`${target.url.host} spoke of a hash or a filter that nobody asked for`);

/** Brings a mirror up to date, or makes it. Throws ExternalSystemError. */
export async function fetchMirror(fetch: MirrorFetch): Promise<FetchOutcome> {
  const { place, anew } = fetch;
  await removeUnfinished(place);
  await writeTrust(place, fetch.target.caPem);
  const ended = !anew && (await isThere(place)) ? await fetchMore(fetch) : await fetchAnew(fetch);
  if (ended.kind === "done" || ended.kind === "no_repository") return ended;
  throw "error" in ended ? (ended.error satisfies ExternalSystemError) : unexpected(fetch);
}

/** Puts packs and names together when there are many. A mirror that is not tidied is only slower. */
export async function tidyMirror({ place, program, signal, watch }: MirrorFetch): Promise<void> {
  const { repository } = place;
  const stopWatching = watch(repository);
  try {
    for (const args of [
      ["pack-refs", "--all"],
      ["gc", "--auto", "--quiet"],
    ])
      await runGit({ program, repository, args, environment: LOCAL_ENVIRONMENT, signal });
  } finally {
    stopWatching();
  }
}
