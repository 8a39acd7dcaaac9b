import * as z from "zod";
import { ExternalSystemError } from "../../../kernel/errors.ts";
import { printable } from "../../printable.ts";
import type { GithubSession } from "./github-session.ts";
import type { WorkflowPlace } from "./workflow-place.ts";

const JOBS = "GET /repos/{owner}/{repo}/actions/runs/{run_id}/jobs";
const BAD = new Set(["failure", "timed_out", "startup_failure"]);
const MAX_NAMED = 5;

const Step = z.object({ name: z.string(), conclusion: z.string().nullish() });
const Job = Step.extend({ steps: z.array(Step).default([]) });
const Jobs = z.object({ total_count: z.int(), jobs: z.array(Job) });

/** The jobs of a run's latest attempt: how many, and those that failed in words. */
export interface JobsInWords {
  readonly count: number;
  /** Such as `build (step Run tests), lint`; empty when none failed. */
  readonly failed: string;
}

const isBad = ({ conclusion }: z.infer<typeof Step>): boolean => BAD.has(conclusion ?? "");

function nameOf(job: z.infer<typeof Job>): string {
  const step = job.steps.find(isBad);
  return step ? `${job.name} (step ${step.name})` : job.name;
}

function inWords({ total_count: count, jobs }: z.infer<typeof Jobs>): JobsInWords {
  const bad = jobs.filter(isBad);
  const more = bad.length > MAX_NAMED ? ` and ${bad.length - MAX_NAMED} more` : "";
  return { count, failed: printable(bad.slice(0, MAX_NAMED).map(nameOf).join(", ") + more, []) };
}

/** What the jobs say. Null when GitHub does not tell them: a run's state is worth more than its details. */
export async function jobsOf(
  github: GithubSession,
  { owner, repo }: WorkflowPlace,
  run: string,
  signal: AbortSignal | undefined,
): Promise<JobsInWords | null> {
  try {
    const parameters = { owner, repo, run_id: run, filter: "latest", per_page: 100 };
    const reply = await github.call(JOBS, parameters, { signal });
    const jobs = Jobs.safeParse(reply.data);
    return reply.status === 200 && jobs.success ? inWords(jobs.data) : null;
  } catch (error) {
    if (error instanceof ExternalSystemError) return null;
    throw error;
  }
}
