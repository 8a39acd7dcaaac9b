import { createHmac, randomUUID } from "node:crypto";
import { runEventPayload } from "./payloads.ts";
import { webhookFault } from "./webhook-shapes.ts";
import type { Run, RunAction, World } from "./world.ts";

/** One delivery, made or still to be made. */
export interface Delivery {
  /** `X-GitHub-Delivery`; the same when it is sent again. */
  readonly id: string;
  readonly event: string;
  readonly action: RunAction;
  readonly run: number;
  readonly body: string;
  /** How each sending was answered; null where no answer came. */
  readonly answers: (number | null)[];
}

/** The webhooks of this GitHub. */
export interface Webhooks {
  /** All that were due since there is somewhere to send them, or they are kept; in the order of what happened. */
  readonly deliveries: readonly Delivery[];
  /** Where they go, and what signs them; null: nowhere. */
  target: { readonly url: string; readonly secret: string } | null;
  /** What becomes of those that are due: sent at once, or kept, for a test to send in its own order, twice, late or never. */
  mode: "send" | "keep";
  /** Sends one, again or for the first time. `signature`: instead of the right one. */
  send(delivery: Delivery, signature?: string): Promise<number | null>;
  /** Until all that were sent by themselves have been answered. */
  settled(): Promise<void>;
}

/** The signature of a body, as `X-Hub-Signature-256` has it. */
export const signatureOf = (secret: string, body: string): string =>
  `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`;

/** Makes the webhooks; `tell` is to be called when something happens to a run, `onFault` is told of wrong bodies. */
export function createWebhooks(onFault: (fault: string) => void) {
  const deliveries: Delivery[] = [];
  const under = new Set<Promise<unknown>>();

  async function send(delivery: Delivery, signature?: string): Promise<number | null> {
    const { target } = webhooks;
    if (!target) throw new Error("Nobody said where webhooks go");
    const headers = {
      "content-type": "application/json",
      "user-agent": "GitHub-Hookshot/0000000",
      "x-github-event": delivery.event,
      "x-github-delivery": delivery.id,
      "x-hub-signature-256": signature ?? signatureOf(target.secret, delivery.body),
    };
    const answer = await fetch(target.url, { method: "POST", headers, body: delivery.body }).catch(
      () => null,
    );
    await answer?.arrayBuffer();
    delivery.answers.push(answer?.status ?? null);
    return answer?.status ?? null;
  }

  const webhooks: Webhooks = {
    deliveries,
    target: null,
    mode: "send",
    send,
    settled: async () => {
      while (under.size > 0) await Promise.all(under);
    },
  };

  function tell(world: World, action: RunAction, run: Run): void {
    if (!webhooks.target && webhooks.mode === "send") return;
    const payload = runEventPayload(world, action, run);
    const fault = webhookFault("workflow_run", payload);
    if (fault !== null) onFault(fault);
    const body = JSON.stringify(payload);
    const facts = { id: randomUUID(), event: "workflow_run", action, run: run.id };
    const delivery: Delivery = { ...facts, body, answers: [] };
    deliveries.push(delivery);
    if (webhooks.mode === "keep") return;
    const sending = send(delivery).finally(() => under.delete(sending));
    under.add(sending);
  }

  return { webhooks, tell };
}
