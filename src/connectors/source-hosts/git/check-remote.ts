import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { ExternalSystemError } from "../../../kernel/errors.ts";
import { trustedPem } from "../../guarded-connect.ts";
import type { GuardedProxy } from "../../guarded-proxy.ts";
import type { RepositoryCheck, SourceTarget } from "../source-host.ts";
import { readFetchFailure } from "./fetch-failure.ts";
import { fetchEnvironment } from "./git-environment.ts";
import { runGit } from "./run-git.ts";

/** One look at a repository from afar. */
export interface RemoteCheck {
  readonly target: SourceTarget;
  /** Where a folder may be made for as long as it takes. */
  readonly directory: string;
  readonly program: string;
  readonly proxy: GuardedProxy;
  readonly connectMillis: number;
  readonly signal: AbortSignal;
}

/** Asks the host where the repository stands, and fetches nothing. Throws ExternalSystemError. */
export async function checkRemote(check: RemoteCheck): Promise<RepositoryCheck> {
  const folder = await mkdtemp(join(check.directory, "check-"));
  try {
    return await askRemote(check, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function askRemote(check: RemoteCheck, folder: string): Promise<RepositoryCheck> {
  const { target, proxy, program, signal, connectMillis } = check;
  const { allowPrivate, caPem } = target;
  const trustFile = join(folder, "trust.pem");
  await writeFile(trustFile, trustedPem(caPem), { mode: 0o600 });
  const pass = await proxy.admit(target.url, { allowPrivate, caPem, timeoutMillis: connectMillis });
  try {
    const environment = fetchEnvironment(target, { proxyUrl: pass.url, trustFile });
    const args = ["ls-remote", "--quiet", "--", target.url.href, "HEAD"];
    const { code, stderr } = await runGit({ program, repository: folder, args, environment, signal });
    if (code === 0) return { kind: "readable" };
    const failure = readFetchFailure(target, stderr, pass.failure());
    if (failure.kind === "no_repository") return failure;
    throw "error" in failure ? failure.error : unexpected(target);
  } finally {
    pass.end();
  }
}

const unexpected = ({ name, url }: SourceTarget): ExternalSystemError =>
  new ExternalSystemError(`reading from ${url.host}: what came cannot be read by git`, {
    system: name,
    retryable: false,
  });
