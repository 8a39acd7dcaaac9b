import { createHmac, timingSafeEqual } from "node:crypto";
import * as z from "zod";

/** Which run a webhook is about. It never says how the run is: deliveries come late, twice and out of order. */
export interface NamedRun {
  /** `org/name` as GitHub spells it. */
  readonly repository: string;
  readonly run: string;
  /** The workflow's file, such as `.github/workflows/deploy.yml`. */
  readonly workflow: string;
}

const SIGNATURE = /^sha256=([\da-f]{64})$/i;

const WorkflowRunEvent = z.object({
  workflow_run: z.object({ id: z.int().positive() }),
  workflow: z.object({ path: z.string() }),
  repository: z.object({ full_name: z.string() }),
});

/** Whether `X-Hub-Signature-256` is the HMAC of this body under the secret; in constant time, never with an empty secret. */
export function verifyWebhook(secret: string, rawBody: Uint8Array, signature: string | null): boolean {
  const [, shown] = SIGNATURE.exec(signature ?? "") ?? [];
  if (secret === "" || shown === undefined) return false;
  return timingSafeEqual(Buffer.from(shown, "hex"), createHmac("sha256", secret).update(rawBody).digest());
}

function parseJson(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    return null;
  }
}

/** The run that a verified delivery names by `X-GitHub-Event` and its body; null for every other event and for nonsense. */
export function readWorkflowRunEvent(event: string, rawBody: Uint8Array): NamedRun | null {
  if (event !== "workflow_run") return null;
  const read = WorkflowRunEvent.safeParse(parseJson(rawBody));
  if (!read.success) return null;
  const { workflow_run: run, workflow, repository } = read.data;
  return { repository: repository.full_name, run: String(run.id), workflow: workflow.path };
}
