import { ExternalSystemError } from "../../kernel/errors.ts";

/*
 * The port to whatever carries out workflows: a CI system, or programs of the operator's own.
 * A start is made at most once unless the provider says that it may be repeated, so every answer tells how sure it is:
 * started, accepted, refused, or a failure that says whether the request can have arrived.
 */

/** One workflow to be carried out once. */
export interface RunRequest {
  /** Ours, 24 hex digits: of this attempt alone. Given to the run wherever the provider can show it. */
  readonly id: string;
  /** What else a run may show of us: the number that the workflow is given for what it serves. Earlier attempts show it too. */
  readonly label: string;
  /** The provider's name for the workflow: a file such as `deploy.yml`, or the name of a program. */
  readonly workflow: string;
  /** `org/name`; null for a provider that knows no repositories. */
  readonly repository: string | null;
  /** The branch or tag whose workflow file counts; null: the repository's default branch. */
  readonly ref: string | null;
  /** All values are texts. */
  readonly inputs: Readonly<Record<string, string>>;
  /** What is released, as JSON, for a provider that can hand over a file. */
  readonly releaseJson: string;
  /** When the intent to start it was written down: no run of ours is older. */
  readonly intendedAt: Date;
}

/** What came back from a start. A refusal is for good: nothing runs, and asking again would be refused again. */
export type StartAnswer =
  | { readonly kind: "started"; readonly run: string; readonly url: string | null }
  | { readonly kind: "accepted" }
  | { readonly kind: "refused"; readonly text: string };

/** Whether a run can have come of a start that failed. */
export type Delivery = "not_sent" | "unclear";

/** A start that failed. `not_sent`: nothing can run, so it may be tried again. Made by providers alone. */
export class StartFailedError extends ExternalSystemError {
  readonly delivery: Delivery;

  constructor(delivery: Delivery, failure: ExternalSystemError) {
    super(failure.message, {
      system: failure.system,
      retryable: failure.retryable,
      status: failure.status,
      retryAfterMillis: failure.retryAfterMillis,
      cause: failure.cause,
    });
    this.delivery = delivery;
  }
}

/** The run that a request led to, as far as the provider can tell. Several: it does not guess. */
export type FoundRun =
  | { readonly kind: "run"; readonly run: string; readonly url: string | null }
  | { readonly kind: "none" }
  | { readonly kind: "several" };

/** How a run is. `failure`: the workflow said no. `error`: it could not run at all. */
export type RunState = "queued" | "running" | "success" | "failure" | "canceled" | "error";

export interface RunReading {
  readonly state: RunState;
  /** 1 at first; grows when somebody runs it again under the same id. */
  readonly attempt: number;
  readonly url: string | null;
  /** What a person should know of it, such as what failed; may be empty. */
  readonly text: string;
  /** Same repository, same workflow, begun by a request like ours, and not older than our intent. */
  readonly isOurs: boolean;
  /** The provider shows our id on the run, so that a run of ours could be found again. */
  readonly showsId: boolean;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
}

export interface CiProvider {
  /** `find` can tell whether a start led to a run. */
  readonly canFind: boolean;
  /** A start with the same id never leads to a second run. */
  readonly startRepeats: boolean;
  /** Throws StartFailedError. */
  start(request: RunRequest, signal?: AbortSignal): Promise<StartAnswer>;
  /** `claimed`: runs that belong to other requests. Throws ExternalSystemError. */
  find(request: RunRequest, claimed: ReadonlySet<string>, signal?: AbortSignal): Promise<FoundRun>;
  /** Null: there is no such run. Throws ExternalSystemError. */
  read(run: string, request: RunRequest, signal?: AbortSignal): Promise<RunReading | null>;
  /** `over`: it had ended already. `force` only after a plain request did not work. Throws ExternalSystemError. */
  cancel(
    run: string,
    request: RunRequest,
    options: { readonly force: boolean },
    signal?: AbortSignal,
  ): Promise<"asked" | "over">;
}

/** A GitHub, or a GitHub Enterprise Server, and how to sign in there. */
export interface GithubTarget {
  /** The connection's name; stands in errors. */
  readonly name: string;
  /** `github.com`, or the server's own host or host:port. */
  readonly host: string;
  readonly plainHttp: boolean;
  readonly allowPrivate: boolean;
  readonly caPem: string | null;
  /** A token; null: anonymous, which can read public repositories alone. */
  readonly token: string | null;
}

/** What "test connection" found at a GitHub that answers. */
export interface GithubCheck {
  /** It took the token; without one there is none to take. */
  readonly authenticated: boolean;
  /** What came back, in its words or ours. */
  readonly message: string;
}

/** A delivery of a webhook as it came in. */
export interface WebhookDelivery {
  readonly secret: string;
  readonly rawBody: Uint8Array;
  readonly signature: string | null;
  readonly event: string;
}

/** Which run a delivery is about; it never says how that run is. */
export interface NamedRun {
  /** `org/name` as the provider spells it. */
  readonly repository: string;
  readonly run: string;
}

/** The providers that this program can speak to. */
export interface CiProviders {
  /** Null: programs of the operator's are switched off, or there is none. */
  readonly command: CiProvider | null;
  /** The names of the programs that the operator allows. */
  readonly programs: readonly string[];
  /** Removes what is kept of programs that ended long ago; says of how many. Throws what the disk throws. */
  removeOldRuns(now: Date): Promise<number>;
  github(target: GithubTarget): CiProvider;
  /** Signs in at a GitHub and starts nothing. Throws ExternalSystemError. */
  checkGithub(target: GithubTarget, signal?: AbortSignal): Promise<GithubCheck>;
  /** The run that a delivery of a GitHub names; null for what names none; "forged" when its signature is wrong. */
  readGithubWebhook(delivery: WebhookDelivery): NamedRun | null | "forged";
  close(): Promise<void>;
}
